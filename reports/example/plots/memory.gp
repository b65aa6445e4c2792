# Redraws memory.svg and memory.png from memory.tsv: gnuplot memory.gp
set encoding utf8
set datafile separator tab
if (!exists('formats')) formats = 'svg png'
do for [ext in formats] {
if (ext eq 'svg') { set terminal svg size 800,690 dynamic background '#ffffff' font 'sans-serif,13' }
if (ext eq 'png') { if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) { set terminal pngcairo size 1600,1380 font 'Sans,13' fontscale 1.5 linewidth 2 pointscale 1.8 } else { set terminal png size 800,690 } }
set output 'memory.'.ext
set multiplot layout 2,2 title 'Memory by format and model' noenhanced
set key below horizontal noenhanced samplen 1.5 maxrows 3 font ',10'
set bmargin 5.8
set xlabel offset 0,0.4
set grid lw 0.5 lc rgb '#c0c0c0' lt 1
set border 3
set tics nomirror font ',10'
set boxwidth 0.7
set grid noxtics
set offsets 0, 0, graph 0.06, 0
set title 'kjv-tiny-f16' noenhanced
unset xlabel
set ylabel 'MB'
set yrange [0:*]
set xtics ('i2_s' 0,'tq1_0' 1,'tq2_0' 2,'f16' 3,'q8_0' 4,'q4_0' 5,'f32' 6) noenhanced
set xrange [-0.6:6.6]
plot 'memory.tsv' index 0 using 1:4 with boxes fs solid 1 noborder lc rgb '#b8b8b8' notitle, \
  '' index 0 using 1:3:7 with boxes fs solid 1 noborder lc rgb variable notitle, \
  '' index 0 using 1:2:6 with boxes fs solid 1 noborder lc rgb variable notitle, \
  '' index 0 using 1:5:(0.38) with xerrorbars lw 2.5 ps 0 lc rgb 'black' title 'peak RSS', \
  NaN with boxes fs solid 1 noborder lc rgb '#505050' title 'weights', \
  NaN with boxes fs solid 1 noborder lc rgb '#888888' title 'embedding', \
  NaN with boxes fs solid 1 noborder lc rgb '#b8b8b8' title 'KV, scratch'
set title '125m' noenhanced
unset xlabel
set ylabel 'MB'
set yrange [0:*]
set xtics ('i2_s' 0,'f16' 1,'q8_0' 2,'q4_0' 3) noenhanced
set xrange [-0.6:3.6]
plot 'memory.tsv' index 1 using 1:4 with boxes fs solid 1 noborder lc rgb '#b8b8b8' notitle, \
  '' index 1 using 1:3:7 with boxes fs solid 1 noborder lc rgb variable notitle, \
  '' index 1 using 1:2:6 with boxes fs solid 1 noborder lc rgb variable notitle, \
  '' index 1 using 1:5:(0.38) with xerrorbars lw 2.5 ps 0 lc rgb 'black' title 'peak RSS', \
  NaN with boxes fs solid 1 noborder lc rgb '#505050' title 'weights', \
  NaN with boxes fs solid 1 noborder lc rgb '#888888' title 'embedding', \
  NaN with boxes fs solid 1 noborder lc rgb '#b8b8b8' title 'KV, scratch'
set title '700m' noenhanced
unset xlabel
set ylabel 'GB'
set yrange [0:*]
set xtics ('i2_s' 0,'f16' 1,'q8_0' 2,'q4_0' 3) noenhanced
set xrange [-0.6:3.6]
plot 'memory.tsv' index 2 using 1:4 with boxes fs solid 1 noborder lc rgb '#b8b8b8' notitle, \
  '' index 2 using 1:3:7 with boxes fs solid 1 noborder lc rgb variable notitle, \
  '' index 2 using 1:2:6 with boxes fs solid 1 noborder lc rgb variable notitle, \
  '' index 2 using 1:5:(0.38) with xerrorbars lw 2.5 ps 0 lc rgb 'black' title 'peak RSS', \
  NaN with boxes fs solid 1 noborder lc rgb '#505050' title 'weights', \
  NaN with boxes fs solid 1 noborder lc rgb '#888888' title 'embedding', \
  NaN with boxes fs solid 1 noborder lc rgb '#b8b8b8' title 'KV, scratch'
set title '2b4t' noenhanced
unset xlabel
set ylabel 'GB'
set yrange [0:*]
set xtics ('i2_s' 0,'f16' 1,'q8_0' 2,'q4_0' 3) noenhanced
set xrange [-0.6:3.6]
plot 'memory.tsv' index 3 using 1:4 with boxes fs solid 1 noborder lc rgb '#b8b8b8' notitle, \
  '' index 3 using 1:3:7 with boxes fs solid 1 noborder lc rgb variable notitle, \
  '' index 3 using 1:2:6 with boxes fs solid 1 noborder lc rgb variable notitle, \
  '' index 3 using 1:5:(0.38) with xerrorbars lw 2.5 ps 0 lc rgb 'black' title 'peak RSS', \
  NaN with boxes fs solid 1 noborder lc rgb '#505050' title 'weights', \
  NaN with boxes fs solid 1 noborder lc rgb '#888888' title 'embedding', \
  NaN with boxes fs solid 1 noborder lc rgb '#b8b8b8' title 'KV, scratch'
unset multiplot
set output
}
