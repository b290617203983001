/** `npm run bench -- NAME`: measures, prints a table, and the figures as JSON on the last line. */
import { cpus } from 'node:os';
import { activationBench } from './activation.ts';
import { compileBench } from './compile.ts';
import { decisionsBench } from './decisions.ts';
import { evalBench } from './eval.ts';
import { injectionBench } from './injection.ts';
import { operatorBench } from './operator.ts';
import { propagationBench } from './propagation.ts';
import { proxyBench } from './proxy.ts';
import { sidecarBench } from './sidecar.ts';
import { type Figures, figuresLine } from './support/report.ts';

const BENCHMARKS: Record<string, () => Figures | Promise<Figures>> = {
  eval: evalBench,
  compile: compileBench,
  decisions: decisionsBench,
  proxy: proxyBench,
  activation: activationBench,
  sidecar: sidecarBench,
  operator: operatorBench,
  propagation: propagationBench,
  injection: injectionBench,
};

const [name = ''] = process.argv.slice(2);
const benchmark = BENCHMARKS[name];
if (benchmark === undefined) {
  console.error(`usage: npm run bench -- ${Object.keys(BENCHMARKS).join('|')}`);
  process.exitCode = 2;
} else {
  const processors = cpus();
  console.log(`${name}: ${processors.length} × ${processors[0]?.model ?? 'unknown'}, Node ${process.version}\n`);
  const figures = await benchmark();
  console.log(`\n${figuresLine(figures)}`);
}
