# Redraws latency-tg16-part2.svg and latency-tg16-part2.png from latency-tg16-part2.tsv: gnuplot latency-tg16-part2.gp
set encoding utf8
set datafile separator tab
if (!exists('formats')) formats = 'svg png'
do for [ext in formats] {
if (ext eq 'svg') { set terminal svg size 800,1010 dynamic background '#ffffff' font 'sans-serif,13' }
if (ext eq 'png') { if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) { set terminal pngcairo size 1600,2020 font 'Sans,13' fontscale 1.5 linewidth 2 pointscale 1.8 } else { set terminal png size 800,1010 } }
set output 'latency-tg16-part2.'.ext
set multiplot layout 3,2 title 'Decode latency, share of tokens that took at most x ms, tg16' noenhanced
set key below horizontal noenhanced samplen 1.5 maxrows 3 font ',10'
set bmargin 5.8
set xlabel offset 0,0.4
set grid lw 0.5 lc rgb '#c0c0c0' lt 1
set border 3
set tics nomirror font ',10'
set title '3.8b, 2 threads' noenhanced
set xlabel 'ms per token'
set ylabel '% of tokens'
set yrange [0:100]
set logscale x
set xrange [27.8405:465.519]
set xtics (50,100,200)
plot 'latency-tg16-part2.tsv' index 0 using 1:2 with steps lw 2 lc rgb '#0072B2' title 'i2_s', \
  'latency-tg16-part2.tsv' index 1 using 1:2 with steps lw 2 lc rgb '#000000' title 'tl2', \
  'latency-tg16-part2.tsv' index 2 using 1:2 with steps lw 2 lc rgb '#D55E00' title 'f16'
set title '7b, 2 threads' noenhanced
set xlabel 'ms per token'
set ylabel '% of tokens'
set yrange [0:100]
set logscale x
set xrange [49.6679:898.167]
set xtics (50,100,200,500)
plot 'latency-tg16-part2.tsv' index 3 using 1:2 with steps lw 2 lc rgb '#0072B2' title 'i2_s', \
  'latency-tg16-part2.tsv' index 4 using 1:2 with steps lw 2 lc rgb '#000000' title 'tl2', \
  'latency-tg16-part2.tsv' index 5 using 1:2 with steps lw 2 lc rgb '#D55E00' title 'f16'
set title '13b, 2 threads' noenhanced
set xlabel 'ms per token'
set ylabel '% of tokens'
set yrange [0:100]
set logscale x
set xrange [89.1089:254.201]
set xtics (100,150,200)
plot 'latency-tg16-part2.tsv' index 6 using 1:2 with steps lw 2 lc rgb '#0072B2' title 'i2_s', \
  'latency-tg16-part2.tsv' index 7 using 1:2 with steps lw 2 lc rgb '#000000' title 'tl2'
set title '30b, 2 threads' noenhanced
set xlabel 'ms per token'
set ylabel '% of tokens'
set yrange [0:100]
set logscale x
set xrange [202.829:612.859]
set xtics (300,400,500)
plot 'latency-tg16-part2.tsv' index 8 using 1:2 with steps lw 2 lc rgb '#0072B2' title 'i2_s', \
  'latency-tg16-part2.tsv' index 9 using 1:2 with steps lw 2 lc rgb '#000000' title 'tl2'
set title '70b, 2 threads' noenhanced
set xlabel 'ms per token'
set ylabel '% of tokens'
set yrange [0:100]
set logscale x
set xrange [477.607:1241.78]
set xtics (500,700,1000)
plot 'latency-tg16-part2.tsv' index 10 using 1:2 with steps lw 2 lc rgb '#0072B2' title 'i2_s', \
  'latency-tg16-part2.tsv' index 11 using 1:2 with steps lw 2 lc rgb '#000000' title 'tl2'
set title '100b, 2 threads' noenhanced
set xlabel 'ms per token'
set ylabel '% of tokens'
set yrange [0:100]
set logscale x
set xrange [785.759:2042.97]
set xtics (1000,1500,2000)
plot 'latency-tg16-part2.tsv' index 12 using 1:2 with steps lw 2 lc rgb '#000000' title 'tl2'
unset multiplot
set output
}
