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
set xrange [2.68615:31.8055]
set xtics (5,10,20)
set logscale y
set yrange [0.712874:11.4468]
set ytics (1,2,5,10)
plot 'pareto-memory-tg16-part2.tsv' index 0 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 7 lc rgb '#0072B2' title 'i2_s', \
  '' index 0 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16-part2.tsv' index 1 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 9 lc rgb '#000000' title 'tl2', \
  '' index 1 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16-part2.tsv' index 2 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 5 lc rgb '#D55E00' title 'f16', \
  '' index 2 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle
unset logscale
set title '7b' noenhanced
set xlabel 'tokens/s, more is better'
set ylabel 'peak resident GB, less is better'
set logscale x
set xrange [1.39032:18.0087]
set xtics (2,5,10)
set logscale y
set yrange [1.2557:21.0715]
set ytics (2,5,10,20)
plot 'pareto-memory-tg16-part2.tsv' index 3 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 7 lc rgb '#0072B2' title 'i2_s', \
  '' index 3 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16-part2.tsv' index 4 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 9 lc rgb '#000000' title 'tl2', \
  '' index 4 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16-part2.tsv' index 5 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 5 lc rgb '#D55E00' title 'f16', \
  '' index 5 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle
unset logscale
set title '13b' noenhanced
set xlabel 'tokens/s, more is better'
set ylabel 'peak resident GB, less is better'
set logscale x
set xrange [6.11859:15.9083]
set xtics (10)
set logscale y
set yrange [2.25364:5.85947]
set ytics (5)
plot 'pareto-memory-tg16-part2.tsv' index 6 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 7 lc rgb '#0072B2' title 'i2_s', \
  '' index 6 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16-part2.tsv' index 7 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 9 lc rgb '#000000' title 'tl2', \
  '' index 7 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle
unset logscale
set title '30b' noenhanced
set xlabel 'tokens/s, more is better'
set ylabel 'peak resident GB, less is better'
set logscale x
set xrange [2.46814:6.41715]
set xtics (5)
set logscale y
set yrange [5.23087:13.6003]
set ytics (10)
plot 'pareto-memory-tg16-part2.tsv' index 8 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 7 lc rgb '#0072B2' title 'i2_s', \
  '' index 8 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16-part2.tsv' index 9 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 9 lc rgb '#000000' title 'tl2', \
  '' index 9 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle
unset logscale
set title '70b' noenhanced
set xlabel 'tokens/s, more is better'
set ylabel 'peak resident GB, less is better'
set logscale x
set xrange [1.05295:2.73766]
set xtics (2)
set logscale y
set yrange [11.8749:30.8747]
set ytics (20)
plot 'pareto-memory-tg16-part2.tsv' index 10 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 7 lc rgb '#0072B2' title 'i2_s', \
  '' index 10 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle, \
  'pareto-memory-tg16-part2.tsv' index 11 using 1:2:6:7 with xerrorbars ps 1.2 lw 1.5 pt 9 lc rgb '#000000' title 'tl2', \
  '' index 11 using 1:2:3 with labels left offset 0.9,0.5 font ',9' tc rgb '#606060' notitle
unset logscale
unset multiplot
set output
}
