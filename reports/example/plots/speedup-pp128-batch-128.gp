# Redraws speedup-pp128-batch-128.svg and speedup-pp128-batch-128.png from speedup-pp128-batch-128.tsv: gnuplot speedup-pp128-batch-128.gp
set encoding utf8
set datafile separator tab
if (!exists('formats')) formats = 'svg png'
do for [ext in formats] {
if (ext eq 'svg') { set terminal svg size 800,370 dynamic background '#ffffff' font 'sans-serif,13' }
if (ext eq 'png') { if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) { set terminal pngcairo size 1600,740 font 'Sans,13' fontscale 1.5 linewidth 2 pointscale 1.8 } else { set terminal png size 800,370 } }
set output 'speedup-pp128-batch-128.'.ext
set multiplot layout 1,2 title 'Speed-up over f16 by model size, pp128, batch 128' noenhanced
set key below horizontal noenhanced samplen 1.5 maxrows 3 font ',10'
set bmargin 5.8
set xlabel offset 0,0.4
set grid lw 0.5 lc rgb '#c0c0c0' lt 1
set border 3
set tics nomirror font ',10'
set logscale x
set xrange [8.0279e+07:3.86051e+09]
set xtics ('128M' 128446464,'729M' 728842752,'2.4B' 2412820480)
set title 'each at its best thread count' noenhanced
set xlabel 'parameters of the model'
set ylabel 'speed-up over f16'
set yrange [0:*]
plot 'speedup-pp128-batch-128.tsv' index 0 using ($1*0.9657):2:3:4 with yerrorlines lw 1.5 ps 0.7 pt 7 lc rgb '#0072B2' title 'i2_s', \
  'speedup-pp128-batch-128.tsv' index 1 using ($1*1.0000):2:3:4 with yerrorlines lw 1.5 ps 0.7 pt 9 lc rgb '#E69F00' title 'q8_0', \
  'speedup-pp128-batch-128.tsv' index 2 using ($1*1.0355):2:3:4 with yerrorlines lw 1.5 ps 0.7 pt 11 lc rgb '#009E73' title 'q4_0', \
  1 with lines lw 1 dt 2 lc rgb '#D55E00' title 'f16'
set title 'both at 2 threads' noenhanced
set xlabel 'parameters of the model'
set ylabel 'speed-up over f16'
set yrange [0:*]
plot 'speedup-pp128-batch-128.tsv' index 3 using ($1*0.9657):2:3:4 with yerrorlines lw 1.5 ps 0.7 pt 7 lc rgb '#0072B2' title 'i2_s', \
  'speedup-pp128-batch-128.tsv' index 4 using ($1*1.0000):2:3:4 with yerrorlines lw 1.5 ps 0.7 pt 9 lc rgb '#E69F00' title 'q8_0', \
  'speedup-pp128-batch-128.tsv' index 5 using ($1*1.0355):2:3:4 with yerrorlines lw 1.5 ps 0.7 pt 11 lc rgb '#009E73' title 'q4_0', \
  1 with lines lw 1 dt 2 lc rgb '#D55E00' title 'f16'
unset multiplot
set output
}
