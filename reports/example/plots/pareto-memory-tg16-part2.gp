# Redraws pareto-memory-tg16-part2.svg and pareto-memory-tg16-part2.png from pareto-memory-tg16-part2.tsv: gnuplot pareto-memory-tg16-part2.gp
set encoding utf8
set datafile separator tab
if (!exists('formats')) formats = 'svg png'
do for [ext in formats] {
if (ext eq 'svg') { set terminal svg size 800,1010 dynamic background '#ffffff' font 'sans-serif,13' }
if (ext eq 'png') { if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) { set terminal pngcairo size 1600,2020 font 'Sans,13' fontscale 1.5 linewidth 2 pointscale 1.8 } else { set terminal png size 800,1010 } }
set output 'pareto-memory-tg16-part2.'.ext
set multiplot layout 3,2 title 'Speed against memory (numbers: threads), tg16' noenhanced
set key below horizontal noenhanced samplen 1.5 maxrows 3 font ',10'
set bmargin 5.8
set xlabel offset 0,0.4
set grid lw 0.5 lc rgb '#c0c0c0' lt 1
set border 3
set tics nomirror font ',10'
set title '3.8b' noenhanced
set xlabel 'tokens/s, more is better'
set ylabel 'peak resident GB, less is better'
set logscale x
set xrange [3.07807:34.692]
set xtics (5,7,10,20,30)
set logscale y
set yrange [0.711757:11.4449]
set ytics (1,2,5,10)
plot 'pareto-memory-tg16-part2.tsv' index 0 using 1:2 with lines lw 1.2 dt 2 lc rgb '#808080' title 'none better', \
  'pareto-memory-tg16-part2.tsv' index 1 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 7 lc rgb '#0072B2' title 'i2_s', \
  '' index 1 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16-part2.tsv' index 2 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 9 lc rgb '#000000' title 'tl2', \
  '' index 2 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16-part2.tsv' index 3 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 5 lc rgb '#D55E00' title 'f16', \
  '' index 3 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle
unset logscale
set title '7b' noenhanced
set xlabel 'tokens/s, more is better'
set ylabel 'peak resident GB, less is better'
set logscale x
set xrange [1.6155:19.6124]
set xtics (2,5,10)
set logscale y
set yrange [1.25453:21.0695]
set ytics (2,5,10,20)
plot 'pareto-memory-tg16-part2.tsv' index 4 using 1:2 with lines lw 1.2 dt 2 lc rgb '#808080' title 'none better', \
  'pareto-memory-tg16-part2.tsv' index 5 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 7 lc rgb '#0072B2' title 'i2_s', \
  '' index 5 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16-part2.tsv' index 6 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 9 lc rgb '#000000' title 'tl2', \
  '' index 6 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16-part2.tsv' index 7 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 5 lc rgb '#D55E00' title 'f16', \
  '' index 7 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle
unset logscale
set title '13b' noenhanced
set xlabel 'tokens/s, more is better'
set ylabel 'peak resident GB, less is better'
set logscale x
set xrange [5.46418:14.2069]
set xtics (7,10)
set logscale y
set yrange [2.25244:5.85635]
set ytics (3,4,5)
plot 'pareto-memory-tg16-part2.tsv' index 8 using 1:2 with lines lw 1.2 dt 2 lc rgb '#808080' title 'none better', \
  'pareto-memory-tg16-part2.tsv' index 9 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 7 lc rgb '#0072B2' title 'i2_s', \
  '' index 9 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16-part2.tsv' index 10 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 9 lc rgb '#000000' title 'tl2', \
  '' index 10 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle
unset logscale
set title '30b' noenhanced
set xlabel 'tokens/s, more is better'
set ylabel 'peak resident GB, less is better'
set logscale x
set xrange [2.39709:6.23244]
set xtics (3,4,5)
set logscale y
set yrange [5.22971:13.5972]
set ytics (7,10)
plot 'pareto-memory-tg16-part2.tsv' index 11 using 1:2 with lines lw 1.2 dt 2 lc rgb '#808080' title 'none better', \
  'pareto-memory-tg16-part2.tsv' index 12 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 7 lc rgb '#0072B2' title 'i2_s', \
  '' index 12 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16-part2.tsv' index 13 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 9 lc rgb '#000000' title 'tl2', \
  '' index 13 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle
unset logscale
set title '70b' noenhanced
set xlabel 'tokens/s, more is better'
set ylabel 'peak resident GB, less is better'
set logscale x
set xrange [1.07658:2.7991]
set xtics (1.5,2)
set logscale y
set yrange [11.8738:30.872]
set ytics (15,20,30)
plot 'pareto-memory-tg16-part2.tsv' index 14 using 1:2 with lines lw 1.2 dt 2 lc rgb '#808080' title 'none better', \
  'pareto-memory-tg16-part2.tsv' index 15 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 7 lc rgb '#0072B2' title 'i2_s', \
  '' index 15 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16-part2.tsv' index 16 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 9 lc rgb '#000000' title 'tl2', \
  '' index 16 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle
unset logscale
unset multiplot
set output
}
