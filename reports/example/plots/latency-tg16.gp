# Redraws latency-tg16.svg and latency-tg16.png from latency-tg16.tsv: gnuplot latency-tg16.gp
set encoding utf8
set datafile separator tab
if (!exists('formats')) formats = 'svg png'
do for [ext in formats] {
if (ext eq 'svg') { set terminal svg size 800,1010 dynamic background '#ffffff' font 'sans-serif,13' }
if (ext eq 'png') { if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) { set terminal pngcairo size 1600,2020 font 'Sans,13' fontscale 1.5 linewidth 2 pointscale 1.8 } else { set terminal png size 800,1010 } }
set output 'latency-tg16.'.ext
set multiplot layout 3,2 title 'Decode latency, share of tokens that took at most x ms, tg16' noenhanced
set key below horizontal noenhanced samplen 1.5 maxrows 3 font ',10'
set bmargin 5.8
set xlabel offset 0,0.4
set grid lw 0.5 lc rgb '#c0c0c0' lt 1
set border 3
set tics nomirror font ',10'
set title '125m, 2 threads' noenhanced
set xlabel 'ms per token'
set ylabel '% of tokens'
set yrange [0:100]
set logscale x
set xrange [0.803615:27.8656]
set xtics (1,2,5,10,20)
plot 'latency-tg16.tsv' index 0 using 1:2 with steps lw 2 lc rgb '#0072B2' title 'i2_s', \
  'latency-tg16.tsv' index 1 using 1:2 with steps lw 2 lc rgb '#000000' title 'tl2', \
  'latency-tg16.tsv' index 2 using 1:2 with steps lw 2 lc rgb '#D55E00' title 'f16'
set title '350m, 2 threads' noenhanced
set xlabel 'ms per token'
set ylabel '% of tokens'
set yrange [0:100]
set logscale x
set xrange [1.924:43.4384]
set xtics (2,5,10,20)
plot 'latency-tg16.tsv' index 3 using 1:2 with steps lw 2 lc rgb '#0072B2' title 'i2_s', \
  'latency-tg16.tsv' index 4 using 1:2 with steps lw 2 lc rgb '#000000' title 'tl2', \
  'latency-tg16.tsv' index 5 using 1:2 with steps lw 2 lc rgb '#D55E00' title 'f16'
set title '700m, 2 threads' noenhanced
set xlabel 'ms per token'
set ylabel '% of tokens'
set yrange [0:100]
set logscale x
set xrange [5.15759:72.2916]
set xtics (10,20,50)
plot 'latency-tg16.tsv' index 6 using 1:2 with steps lw 2 lc rgb '#0072B2' title 'i2_s', \
  'latency-tg16.tsv' index 7 using 1:2 with steps lw 2 lc rgb '#000000' title 'tl2', \
  'latency-tg16.tsv' index 8 using 1:2 with steps lw 2 lc rgb '#D55E00' title 'f16'
set title '1b, 2 threads' noenhanced
set xlabel 'ms per token'
set ylabel '% of tokens'
set yrange [0:100]
set logscale x
set xrange [7.56028:101.935]
set xtics (10,20,50,100)
plot 'latency-tg16.tsv' index 9 using 1:2 with steps lw 2 lc rgb '#0072B2' title 'i2_s', \
  'latency-tg16.tsv' index 10 using 1:2 with steps lw 2 lc rgb '#000000' title 'tl2', \
  'latency-tg16.tsv' index 11 using 1:2 with steps lw 2 lc rgb '#D55E00' title 'f16'
set title '1.5b, 2 threads' noenhanced
set xlabel 'ms per token'
set ylabel '% of tokens'
set yrange [0:100]
set logscale x
set xrange [10.6969:156.865]
set xtics (20,50,100)
plot 'latency-tg16.tsv' index 12 using 1:2 with steps lw 2 lc rgb '#0072B2' title 'i2_s', \
  'latency-tg16.tsv' index 13 using 1:2 with steps lw 2 lc rgb '#000000' title 'tl2', \
  'latency-tg16.tsv' index 14 using 1:2 with steps lw 2 lc rgb '#D55E00' title 'f16'
set title '2.5b, 2 threads' noenhanced
set xlabel 'ms per token'
set ylabel '% of tokens'
set yrange [0:100]
set logscale x
set xrange [18.2108:306.646]
set xtics (20,50,100,200)
plot 'latency-tg16.tsv' index 15 using 1:2 with steps lw 2 lc rgb '#0072B2' title 'i2_s', \
  'latency-tg16.tsv' index 16 using 1:2 with steps lw 2 lc rgb '#000000' title 'tl2', \
  'latency-tg16.tsv' index 17 using 1:2 with steps lw 2 lc rgb '#D55E00' title 'f16'
unset multiplot
set output
}
