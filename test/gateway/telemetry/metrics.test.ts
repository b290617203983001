import fc from 'fast-check';
import type { ActivationSource } from '../../../gateway/enforcement/activation.ts';
import { createCallMetrics } from '../../../gateway/telemetry/call-metrics.ts';
import { MetricsRegistry } from '../../../runtime/telemetry/metrics-registry.ts';
import { addProcessMetrics } from '../../../runtime/telemetry/process-metrics.ts';
import { decisionOf } from './decisions.ts';

const source: ActivationSource = {
  get: (tenant) =>
    (tenant === 'fintech'
      ? {
          contract: (agent: string, tool: string) =>
            agent === 'finance-agent' && tool === 'stripe-payments'
              ? { actions: [{ name: 'create_payment' }] }
              : undefined,
        }
      : undefined) as ReturnType<ActivationSource['get']>,
  list: () => [],
};

/** Prometheus' text format 0.0.4: comments, or `name{labels} value`. */
const LINE =
  /^(?:# (?:HELP|TYPE) [a-z_]+ .+|[a-z_]+(?:\{[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*\})? (?:-?[0-9.e+-]+|\+Inf|-Inf|NaN))$/;

test('counters, gauges and histograms in the text format', () => {
  const registry = new MetricsRegistry();
  const counter = registry.counter('calls_total', 'Calls.', ['tool', 'code']);
  const histogram = registry.histogram('seconds', 'Time.', ['via'], [0.1, 1]);
  registry.reading('gauge', 'age', 'Age.', () => 1.5);
  registry.reading('gauge', 'unknown', 'Nothing.', () => undefined);
  registry.reading('counter', 'codes', 'Codes.', () => [{ value: 2, labels: ['A'] }], ['code']);
  counter.add(['a', 'x']);
  counter.add(['a', 'x'], 2);
  counter.add(['b"\\\n', 'y']);
  for (const value of [0.1, 0.5, 5]) histogram.observe(value, ['p']);
  expect(registry.text()).toBe(
    [
      '# HELP calls_total Calls.',
      '# TYPE calls_total counter',
      'calls_total{tool="a",code="x"} 3',
      'calls_total{tool="b\\"\\\\\\n",code="y"} 1',
      '# HELP seconds Time.',
      '# TYPE seconds histogram',
      'seconds_bucket{via="p",le="0.1"} 1',
      'seconds_bucket{via="p",le="1"} 2',
      'seconds_bucket{via="p",le="+Inf"} 3',
      'seconds_sum{via="p"} 5.6',
      'seconds_count{via="p"} 3',
      '# HELP age Age.',
      '# TYPE age gauge',
      'age 1.5',
      '# HELP codes Codes.',
      '# TYPE codes counter',
      'codes{code="A"} 2',
      '',
    ].join('\n'),
  );
  expect(() => registry.counter('age', 'Again.')).toThrow();
});

test('whatever labels hold, every line is well-formed', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { maxLength: 5 }), (values) => {
      const registry = new MetricsRegistry();
      const counter = registry.counter('c_total', 'C.', ['v']);
      for (const value of values) counter.add([value.replaceAll('\r', '')]);
      for (const line of registry.text().split('\n').slice(0, -1)) expect(line).toMatch(LINE);
    }),
  );
});

test('the number of series is bounded', () => {
  const registry = new MetricsRegistry();
  const counter = registry.counter('c_total', 'C.', ['v']);
  for (let i = 0; i < 5000; i++) counter.add([`value ${i}`]);
  const lines = registry
    .text()
    .split('\n')
    .filter((line) => line.startsWith('c_total'));
  expect(lines.length).toBeLessThanOrEqual(1001);
  expect(lines.at(-1)).toBe('c_total{v="other"} 4000');
});

test('names that a caller made up are no labels', () => {
  const registry = new MetricsRegistry();
  const metrics = createCallMetrics(registry, source);
  const info = { micros: 70, via: 'decisions' } as const;
  metrics.decided(decisionOf(), info);
  for (let i = 0; i < 100; i++) {
    metrics.decided(decisionOf({ action: `made-up-${i}`, taken: 'deny', verdict: 'deny' }), info);
    metrics.decided(decisionOf({ tool: `tool-${i}` }), info);
    metrics.decided(decisionOf({ tenant: `t-${i}`, reasons: [{ code: `bad code ${i}`, message: '' }] }), info);
  }
  const lines = registry
    .text()
    .split('\n')
    .filter((line) => line.startsWith('aegis_gateway_decisions_total'));
  expect(lines).toEqual([
    'aegis_gateway_decisions_total{tool="stripe-payments",action="create_payment",verdict="allow",taken="allow",reason=""} 1',
    'aegis_gateway_decisions_total{tool="stripe-payments",action="other",verdict="deny",taken="deny",reason=""} 100',
    'aegis_gateway_decisions_total{tool="other",action="other",verdict="allow",taken="allow",reason=""} 100',
    'aegis_gateway_decisions_total{tool="other",action="other",verdict="allow",taken="allow",reason="other"} 100',
  ]);
});

test('requests that were refused before they were a call, by their codes', () => {
  const registry = new MetricsRegistry();
  const metrics = createCallMetrics(registry, source);
  for (let i = 0; i < 3; i++) {
    metrics.refused({ code: 'AEGIS_HOST_UNKNOWN', status: 403, via: 'proxy', host: `h${i}.example` });
  }
  metrics.refused({ code: 'AEGIS_HTTP_MALFORMED', status: 400, via: 'proxy' });
  const lines = registry.text().split('\n');
  expect(lines.filter((line) => line.startsWith('aegis_gateway_refused_total'))).toEqual([
    'aegis_gateway_refused_total{code="AEGIS_HOST_UNKNOWN"} 3',
    'aegis_gateway_refused_total{code="AEGIS_HTTP_MALFORMED"} 1',
  ]);
});

test('answers of tools, by class of status and error', () => {
  const registry = new MetricsRegistry();
  const metrics = createCallMetrics(registry, source);
  metrics.ended(decisionOf(), { status: 201, bytes: 1, millis: 20 });
  metrics.ended(decisionOf(), { status: 0, bytes: 0, millis: 20, error: 'AEGIS_UPSTREAM_TIMEOUT' });
  metrics.ended(decisionOf({ taken: 'deny' }), { status: 403, bytes: 0, millis: 20 });
  const text = registry.text();
  expect(text).toContain('aegis_gateway_upstream_responses_total{tool="stripe-payments",status="2xx",error=""} 1\n');
  expect(text).toContain('{tool="stripe-payments",status="none",error="AEGIS_UPSTREAM_TIMEOUT"} 1\n');
  expect(text).not.toContain('4xx');
  expect(text).toContain('aegis_gateway_upstream_duration_seconds_bucket{tool="stripe-payments",le="0.025"} 2\n');
});

test('metrics of the process', () => {
  const registry = new MetricsRegistry();
  addProcessMetrics(registry, 'gateway', { version: '1.2.3', started: 1_700_000_000_000 });
  const text = registry.text();
  expect(text).toContain(`aegis_gateway_build_info{version="1.2.3",node="${process.versions.node}"} 1\n`);
  expect(text).toContain('process_start_time_seconds 1700000000\n');
  expect(text).toMatch(/process_resident_memory_bytes [0-9]{7,}\n/);
});
