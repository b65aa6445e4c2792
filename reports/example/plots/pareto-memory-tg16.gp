# Redraws pareto-memory-tg16.svg and pareto-memory-tg16.png from pareto-memory-tg16.tsv: gnuplot pareto-memory-tg16.gp
set encoding utf8
set datafile separator tab
if (!exists('formats')) formats = 'svg png'
do for [ext in formats] {
if (ext eq 'svg') { set terminal svg size 800,1010 dynamic background '#ffffff' font 'sans-serif,13' }
if (ext eq 'png') { if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) { set terminal pngcairo size 1600,2020 font 'Sans,13' fontscale 1.5 linewidth 2 pointscale 1.8 } else { set terminal png size 800,1010 } }
set output 'pareto-memory-tg16.'.ext
set multiplot layout 3,2 title 'Speed against memory (numbers: threads), tg16' noenhanced
set key below horizontal noenhanced samplen 1.5 maxrows 3 font ',10'
set bmargin 5.8
set xlabel offset 0,0.4
set grid lw 0.5 lc rgb '#c0c0c0' lt 1
set border 3
set tics nomirror font ',10'
set title '125m' noenhanced
set xlabel 'tokens/s, more is better'
set ylabel 'peak resident GB, less is better'
set logscale x
set xrange [91.1134:1115.24]
set xtics (100,200,500,1000)
set logscale y
set yrange [0.0416743:0.398586]
set ytics (0.05,0.07,0.1,0.2,0.3)
plot 'pareto-memory-tg16.tsv' index 0 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 7 lc rgb '#0072B2' title 'i2_s', \
  '' index 0 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16.tsv' index 1 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 9 lc rgb '#000000' title 'tl2', \
  '' index 1 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16.tsv' index 2 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 5 lc rgb '#D55E00' title 'f16', \
  '' index 2 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle
unset logscale
set title '350m' noenhanced
set xlabel 'tokens/s, more is better'
set ylabel 'peak resident GB, less is better'
set logscale x
set xrange [31.3287:454.29]
set xtics (50,100,200)
set logscale y
set yrange [0.085708:1.09771]
set ytics (0.1,0.2,0.5,1)
plot 'pareto-memory-tg16.tsv' index 3 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 7 lc rgb '#0072B2' title 'i2_s', \
  '' index 3 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16.tsv' index 4 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 9 lc rgb '#000000' title 'tl2', \
  '' index 4 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16.tsv' index 5 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 5 lc rgb '#D55E00' title 'f16', \
  '' index 5 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle
unset logscale
set title '700m' noenhanced
set xlabel 'tokens/s, more is better'
set ylabel 'peak resident GB, less is better'
set logscale x
set xrange [15.7005:180.1]
set xtics (20,30,50,70,100)
set logscale y
set yrange [0.156815:2.20656]
set ytics (0.2,0.5,1,2)
plot 'pareto-memory-tg16.tsv' index 6 using 1:2 with lines lw 1.2 dt 2 lc rgb '#808080' title 'none better', \
  'pareto-memory-tg16.tsv' index 7 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 7 lc rgb '#0072B2' title 'i2_s', \
  '' index 7 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16.tsv' index 8 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 9 lc rgb '#000000' title 'tl2', \
  '' index 8 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16.tsv' index 9 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 5 lc rgb '#D55E00' title 'f16', \
  '' index 9 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle
unset logscale
set title '1b' noenhanced
set xlabel 'tokens/s, more is better'
set ylabel 'peak resident GB, less is better'
set logscale x
set xrange [11.4199:124.664]
set xtics (20,30,50,70,100)
set logscale y
set yrange [0.210187:3.01428]
set ytics (0.5,1,2)
plot 'pareto-memory-tg16.tsv' index 10 using 1:2 with lines lw 1.2 dt 2 lc rgb '#808080' title 'none better', \
  'pareto-memory-tg16.tsv' index 11 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 7 lc rgb '#0072B2' title 'i2_s', \
  '' index 11 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16.tsv' index 12 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 9 lc rgb '#000000' title 'tl2', \
  '' index 12 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16.tsv' index 13 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 5 lc rgb '#D55E00' title 'f16', \
  '' index 13 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle
unset logscale
set title '1.5b' noenhanced
set xlabel 'tokens/s, more is better'
set ylabel 'peak resident GB, less is better'
set logscale x
set xrange [7.8696:88.3967]
set xtics (10,20,30,50,70)
set logscale y
set yrange [0.287991:4.53222]
set ytics (0.5,1,2)
plot 'pareto-memory-tg16.tsv' index 14 using 1:2 with lines lw 1.2 dt 2 lc rgb '#808080' title 'none better', \
  'pareto-memory-tg16.tsv' index 15 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 7 lc rgb '#0072B2' title 'i2_s', \
  '' index 15 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16.tsv' index 16 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 9 lc rgb '#000000' title 'tl2', \
  '' index 16 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16.tsv' index 17 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 5 lc rgb '#D55E00' title 'f16', \
  '' index 17 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle
unset logscale
set title '2.5b' noenhanced
set xlabel 'tokens/s, more is better'
set ylabel 'peak resident GB, less is better'
set logscale x
set xrange [4.60471:52.8302]
set xtics (5,7,10,20,30,50)
set logscale y
set yrange [0.466276:7.41102]
set ytics (0.5,1,2,5)
plot 'pareto-memory-tg16.tsv' index 18 using 1:2 with lines lw 1.2 dt 2 lc rgb '#808080' title 'none better', \
  'pareto-memory-tg16.tsv' index 19 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 7 lc rgb '#0072B2' title 'i2_s', \
  '' index 19 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16.tsv' index 20 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 9 lc rgb '#000000' title 'tl2', \
  '' index 20 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16.tsv' index 21 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 5 lc rgb '#D55E00' title 'f16', \
  '' index 21 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle
unset logscale
unset multiplot
set output
}
