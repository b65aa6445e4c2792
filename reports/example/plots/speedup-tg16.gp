# Redraws speedup-tg16.svg and speedup-tg16.png from speedup-tg16.tsv: gnuplot speedup-tg16.gp
set encoding utf8
set datafile separator tab
if (!exists('formats')) formats = 'svg png'
do for [ext in formats] {
if (ext eq 'svg') { set terminal svg size 800,370 dynamic background '#ffffff' font 'sans-serif,13' }
if (ext eq 'png') { if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) { set terminal pngcairo size 1600,740 font 'Sans,13' fontscale 1.5 linewidth 2 pointscale 1.8 } else { set terminal png size 800,370 } }
set output 'speedup-tg16.'.ext
set multiplot layout 1,1 title 'Speed-up over f16 by model size, tg16 (dashed: published, Intel i7-13700H; dotted: bytes alone, not measured)' noenhanced
set key below horizontal noenhanced samplen 1.5 maxrows 3 font ',10'
set bmargin 5.8
set xlabel offset 0,0.4
set grid lw 0.5 lc rgb '#c0c0c0' lt 1
set border 3
set tics nomirror font ',10'
set logscale x
set xrange [8.0279e+07:1.60361e+11]
set xtics ('100M' 100000000,'1B' 1000000000,'10B' 10000000000,'100B' 100000000000)
set title 'both at 2 threads' noenhanced
set xlabel 'parameters of the model'
set ylabel 'speed-up over f16'
set yrange [0:*]
plot 'speedup-tg16.tsv' index 0 using ($1*0.9664):2:3:4 with yerrorlines lw 1.5 ps 0.7 pt 7 lc rgb '#0072B2' title 'i2_s', \
  'speedup-tg16.tsv' index 1 using ($1*1.0348):2:3:4 with yerrorlines lw 1.5 ps 0.7 pt 9 lc rgb '#000000' title 'tl2', \
  'speedup-tg16.tsv' index 2 using 1:2 with linespoints lw 1.5 dt 2 pt 1 ps 0.7 lc rgb '#808080' title 'published', \
  'speedup-tg16.tsv' index 3 using 1:2 smooth unique with lines lw 1.5 dt 3 lc rgb '#0072B2' title 'bound', \
  1 with lines lw 1 dt 2 lc rgb '#D55E00' title 'f16'
unset multiplot
set output
}
