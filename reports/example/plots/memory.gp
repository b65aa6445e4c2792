# Redraws memory.svg and memory.png from memory.tsv: gnuplot memory.gp
set encoding utf8
set datafile separator tab
if (!exists('formats')) formats = 'svg png'
do for [ext in formats] {
if (ext eq 'svg') { set terminal svg size 800,1010 dynamic background '#ffffff' font 'sans-serif,13' }
if (ext eq 'png') { if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) { set terminal pngcairo size 1600,2020 font 'Sans,13' fontscale 1.5 linewidth 2 pointscale 1.8 } else { set terminal png size 800,1010 } }
set output 'memory.'.ext
set multiplot layout 3,2 title 'Memory by format and model' noenhanced
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
set xtics ('i2_s' 0,'tl2' 1,'tq1_0' 2,'tq2_0' 3,'f16' 4,'q8_0' 5,'q4_0' 6,'f32' 7) noenhanced
set xrange [-0.6:7.6]
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
set xtics ('i2_s' 0,'tl2' 1,'f16' 2) noenhanced
set xrange [-0.6:2.6]
plot 'memory.tsv' index 1 using 1:4 with boxes fs solid 1 noborder lc rgb '#b8b8b8' notitle, \
  '' index 1 using 1:3:7 with boxes fs solid 1 noborder lc rgb variable notitle, \
  '' index 1 using 1:2:6 with boxes fs solid 1 noborder lc rgb variable notitle, \
  '' index 1 using 1:5:(0.38) with xerrorbars lw 2.5 ps 0 lc rgb 'black' title 'peak RSS', \
  NaN with boxes fs solid 1 noborder lc rgb '#505050' title 'weights', \
  NaN with boxes fs solid 1 noborder lc rgb '#888888' title 'embedding', \
  NaN with boxes fs solid 1 noborder lc rgb '#b8b8b8' title 'KV, scratch'
set title '350m' noenhanced
unset xlabel
set ylabel 'MB'
set yrange [0:*]
set xtics ('i2_s' 0,'tl2' 1,'f16' 2) noenhanced
set xrange [-0.6:2.6]
plot 'memory.tsv' index 2 using 1:4 with boxes fs solid 1 noborder lc rgb '#b8b8b8' notitle, \
  '' index 2 using 1:3:7 with boxes fs solid 1 noborder lc rgb variable notitle, \
  '' index 2 using 1:2:6 with boxes fs solid 1 noborder lc rgb variable notitle, \
  '' index 2 using 1:5:(0.38) with xerrorbars lw 2.5 ps 0 lc rgb 'black' title 'peak RSS', \
  NaN with boxes fs solid 1 noborder lc rgb '#505050' title 'weights', \
  NaN with boxes fs solid 1 noborder lc rgb '#888888' title 'embedding', \
  NaN with boxes fs solid 1 noborder lc rgb '#b8b8b8' title 'KV, scratch'
set title '700m' noenhanced
unset xlabel
set ylabel 'GB'
set yrange [0:*]
set xtics ('i2_s' 0,'tl2' 1,'f16' 2) noenhanced
set xrange [-0.6:2.6]
plot 'memory.tsv' index 3 using 1:4 with boxes fs solid 1 noborder lc rgb '#b8b8b8' notitle, \
  '' index 3 using 1:3:7 with boxes fs solid 1 noborder lc rgb variable notitle, \
  '' index 3 using 1:2:6 with boxes fs solid 1 noborder lc rgb variable notitle, \
  '' index 3 using 1:5:(0.38) with xerrorbars lw 2.5 ps 0 lc rgb 'black' title 'peak RSS', \
  NaN with boxes fs solid 1 noborder lc rgb '#505050' title 'weights', \
  NaN with boxes fs solid 1 noborder lc rgb '#888888' title 'embedding', \
  NaN with boxes fs solid 1 noborder lc rgb '#b8b8b8' title 'KV, scratch'
set title '1b' noenhanced
unset xlabel
set ylabel 'GB'
set yrange [0:*]
set xtics ('i2_s' 0,'tl2' 1,'f16' 2) noenhanced
set xrange [-0.6:2.6]
plot 'memory.tsv' index 4 using 1:4 with boxes fs solid 1 noborder lc rgb '#b8b8b8' notitle, \
  '' index 4 using 1:3:7 with boxes fs solid 1 noborder lc rgb variable notitle, \
  '' index 4 using 1:2:6 with boxes fs solid 1 noborder lc rgb variable notitle, \
  '' index 4 using 1:5:(0.38) with xerrorbars lw 2.5 ps 0 lc rgb 'black' title 'peak RSS', \
  NaN with boxes fs solid 1 noborder lc rgb '#505050' title 'weights', \
  NaN with boxes fs solid 1 noborder lc rgb '#888888' title 'embedding', \
  NaN with boxes fs solid 1 noborder lc rgb '#b8b8b8' title 'KV, scratch'
set title '1.5b' noenhanced
unset xlabel
set ylabel 'GB'
set yrange [0:*]
set xtics ('i2_s' 0,'tl2' 1,'f16' 2) noenhanced
set xrange [-0.6:2.6]
plot 'memory.tsv' index 5 using 1:4 with boxes fs solid 1 noborder lc rgb '#b8b8b8' notitle, \
  '' index 5 using 1:3:7 with boxes fs solid 1 noborder lc rgb variable notitle, \
  '' index 5 using 1:2:6 with boxes fs solid 1 noborder lc rgb variable notitle, \
  '' index 5 using 1:5:(0.38) with xerrorbars lw 2.5 ps 0 lc rgb 'black' title 'peak RSS', \
  NaN with boxes fs solid 1 noborder lc rgb '#505050' title 'weights', \
  NaN with boxes fs solid 1 noborder lc rgb '#888888' title 'embedding', \
  NaN with boxes fs solid 1 noborder lc rgb '#b8b8b8' title 'KV, scratch'
unset multiplot
set output
}
