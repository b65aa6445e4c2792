# Redraws heat-tg16.svg and heat-tg16.png from heat-tg16.tsv: gnuplot heat-tg16.gp
set encoding utf8
set datafile separator tab
if (!exists('formats')) formats = 'svg png'
do for [ext in formats] {
if (ext eq 'svg') { set terminal svg size 800,370 dynamic background '#ffffff' font 'sans-serif,13' }
if (ext eq 'png') { if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) { set terminal pngcairo size 1600,740 font 'Sans,13' fontscale 1.5 linewidth 2 pointscale 1.8 } else { set terminal png size 800,370 } }
set output 'heat-tg16.'.ext
set multiplot layout 1,1 title 'Speed-up of i2_s over f16 by threads and model, tg16' noenhanced
set key below horizontal noenhanced samplen 1.5 maxrows 3 font ',10'
set bmargin 5.8
set xlabel offset 0,0.4
set grid lw 0.5 lc rgb '#c0c0c0' lt 1
set border 3
set tics nomirror font ',10'
set xtics ('125m' 0,'700m' 1,'2b4t' 2) noenhanced
set ytics ('1' 0,'2' 1)
set xrange [-0.5:2.5]
set yrange [-0.5:1.5]
unset key
unset grid
set xlabel 'model'
set ylabel 'threads'
set cblabel 'times as fast as f16'
set palette defined (0 '#f7fbff', 0.5 '#6baed6', 1 '#08306b')
set cbrange [0:7.68055]
set style fill solid 1
plot 'heat-tg16.tsv' index 0 using 1:2:(0.48):(0.48):3 with boxxyerror fc palette notitle, \
  '' index 0 using 1:2:4:($3 > 4.2243 ? 0xffffff : 0x202020) with labels font ',12' tc rgb variable notitle, \
  '' index 0 using 1:2:7:($3 > 4.2243 ? 0xffffff : 0x202020) with labels offset 0,-1.2 font ',9' tc rgb variable notitle
unset multiplot
set output
}
