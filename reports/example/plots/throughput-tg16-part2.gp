# Redraws throughput-tg16-part2.svg and throughput-tg16-part2.png from throughput-tg16-part2.tsv: gnuplot throughput-tg16-part2.gp
set encoding utf8
set datafile separator tab
if (!exists('formats')) formats = 'svg png'
do for [ext in formats] {
if (ext eq 'svg') { set terminal svg size 800,1010 dynamic background '#ffffff' font 'sans-serif,13' }
if (ext eq 'png') { if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) { set terminal pngcairo size 1600,2020 font 'Sans,13' fontscale 1.5 linewidth 2 pointscale 1.8 } else { set terminal png size 800,1010 } }
set output 'throughput-tg16-part2.'.ext
set multiplot layout 3,2 title 'Tokens per second by threads (dotted: roofline; formats with the same one share a line), tg16' noenhanced
set key below horizontal noenhanced samplen 1.5 maxrows 3 font ',10'
set bmargin 5.8
set xlabel offset 0,0.4
set grid lw 0.5 lc rgb '#c0c0c0' lt 1
set border 3
set tics nomirror font ',10'
set title '3.8b' noenhanced
set xlabel 'threads'
set ylabel 'tokens/s'
set yrange [0:*]
unset logscale x
set xrange [1.5:2.5]
set xtics (2)
plot 'throughput-tg16-part2.tsv' index 0 using ($1-0.35):2:(0.7):(0) with vectors nohead lw 1.2 dt 3 lc rgb '#0072B2' notitle, \
  'throughput-tg16-part2.tsv' index 1 using ($1+-0.0090):2:3:4 with yerrorlines lw 1.5 ps 0.7 pt 7 lc rgb '#0072B2' title 'i2_s', \
  'throughput-tg16-part2.tsv' index 2 using ($1-0.35):2:(0.7):(0) with vectors nohead lw 1.2 dt 3 lc rgb '#000000' notitle, \
  'throughput-tg16-part2.tsv' index 3 using ($1+0.0000):2:3:4 with yerrorlines lw 1.5 ps 0.7 pt 9 lc rgb '#000000' title 'tl2', \
  'throughput-tg16-part2.tsv' index 4 using ($1-0.35):2:(0.7):(0) with vectors nohead lw 1.2 dt 3 lc rgb '#D55E00' notitle, \
  'throughput-tg16-part2.tsv' index 5 using ($1+0.0090):2:3:4 with yerrorlines lw 1.5 ps 0.7 pt 5 lc rgb '#D55E00' title 'f16', \
  NaN with lines lw 1.2 dt 3 lc rgb '#808080' title 'roofline'
set title '7b' noenhanced
set xlabel 'threads'
set ylabel 'tokens/s'
set yrange [0:*]
unset logscale x
set xrange [1.5:2.5]
set xtics (2)
plot 'throughput-tg16-part2.tsv' index 6 using ($1-0.35):2:(0.7):(0) with vectors nohead lw 1.2 dt 3 lc rgb '#0072B2' notitle, \
  'throughput-tg16-part2.tsv' index 7 using ($1+-0.0090):2:3:4 with yerrorlines lw 1.5 ps 0.7 pt 7 lc rgb '#0072B2' title 'i2_s', \
  'throughput-tg16-part2.tsv' index 8 using ($1-0.35):2:(0.7):(0) with vectors nohead lw 1.2 dt 3 lc rgb '#000000' notitle, \
  'throughput-tg16-part2.tsv' index 9 using ($1+0.0000):2:3:4 with yerrorlines lw 1.5 ps 0.7 pt 9 lc rgb '#000000' title 'tl2', \
  'throughput-tg16-part2.tsv' index 10 using ($1-0.35):2:(0.7):(0) with vectors nohead lw 1.2 dt 3 lc rgb '#D55E00' notitle, \
  'throughput-tg16-part2.tsv' index 11 using ($1+0.0090):2:3:4 with yerrorlines lw 1.5 ps 0.7 pt 5 lc rgb '#D55E00' title 'f16', \
  NaN with lines lw 1.2 dt 3 lc rgb '#808080' title 'roofline'
set title '13b' noenhanced
set xlabel 'threads'
set ylabel 'tokens/s'
set yrange [0:*]
unset logscale x
set xrange [1.5:2.5]
set xtics (2)
plot 'throughput-tg16-part2.tsv' index 12 using ($1-0.35):2:(0.7):(0) with vectors nohead lw 1.2 dt 3 lc rgb '#0072B2' notitle, \
  'throughput-tg16-part2.tsv' index 13 using ($1+-0.0090):2:3:4 with yerrorlines lw 1.5 ps 0.7 pt 7 lc rgb '#0072B2' title 'i2_s', \
  'throughput-tg16-part2.tsv' index 14 using ($1-0.35):2:(0.7):(0) with vectors nohead lw 1.2 dt 3 lc rgb '#000000' notitle, \
  'throughput-tg16-part2.tsv' index 15 using ($1+0.0000):2:3:4 with yerrorlines lw 1.5 ps 0.7 pt 9 lc rgb '#000000' title 'tl2', \
  NaN with lines lw 1.2 dt 3 lc rgb '#808080' title 'roofline'
set title '30b' noenhanced
set xlabel 'threads'
set ylabel 'tokens/s'
set yrange [0:*]
unset logscale x
set xrange [1.5:2.5]
set xtics (2)
plot 'throughput-tg16-part2.tsv' index 16 using ($1-0.35):2:(0.7):(0) with vectors nohead lw 1.2 dt 3 lc rgb '#0072B2' notitle, \
  'throughput-tg16-part2.tsv' index 17 using ($1+-0.0090):2:3:4 with yerrorlines lw 1.5 ps 0.7 pt 7 lc rgb '#0072B2' title 'i2_s', \
  'throughput-tg16-part2.tsv' index 18 using ($1-0.35):2:(0.7):(0) with vectors nohead lw 1.2 dt 3 lc rgb '#000000' notitle, \
  'throughput-tg16-part2.tsv' index 19 using ($1+0.0000):2:3:4 with yerrorlines lw 1.5 ps 0.7 pt 9 lc rgb '#000000' title 'tl2', \
  NaN with lines lw 1.2 dt 3 lc rgb '#808080' title 'roofline'
set title '70b' noenhanced
set xlabel 'threads'
set ylabel 'tokens/s'
set yrange [0:*]
unset logscale x
set xrange [1.5:2.5]
set xtics (2)
plot 'throughput-tg16-part2.tsv' index 20 using ($1-0.35):2:(0.7):(0) with vectors nohead lw 1.2 dt 3 lc rgb '#0072B2' notitle, \
  'throughput-tg16-part2.tsv' index 21 using ($1+-0.0090):2:3:4 with yerrorlines lw 1.5 ps 0.7 pt 7 lc rgb '#0072B2' title 'i2_s', \
  'throughput-tg16-part2.tsv' index 22 using ($1-0.35):2:(0.7):(0) with vectors nohead lw 1.2 dt 3 lc rgb '#000000' notitle, \
  'throughput-tg16-part2.tsv' index 23 using ($1+0.0000):2:3:4 with yerrorlines lw 1.5 ps 0.7 pt 9 lc rgb '#000000' title 'tl2', \
  NaN with lines lw 1.2 dt 3 lc rgb '#808080' title 'roofline'
set title '100b' noenhanced
set xlabel 'threads'
set ylabel 'tokens/s'
set yrange [0:*]
unset logscale x
set xrange [1.5:2.5]
set xtics (2)
plot 'throughput-tg16-part2.tsv' index 24 using ($1-0.35):2:(0.7):(0) with vectors nohead lw 1.2 dt 3 lc rgb '#000000' notitle, \
  'throughput-tg16-part2.tsv' index 25 using ($1+0.0000):2:3:4 with yerrorlines lw 1.5 ps 0.7 pt 9 lc rgb '#000000' title 'tl2', \
  NaN with lines lw 1.2 dt 3 lc rgb '#808080' title 'roofline'
unset multiplot
set output
}
