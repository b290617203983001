import type { MetricsRegistry } from './metrics-registry.ts';

/**
 * Of the process, under the names that dashboards for Prometheus expect.
 * @param noun of the program, as it is spoken of; own names begin with `aegis_<noun>_`.
 */
export function addProcessMetrics(
  registry: MetricsRegistry,
  noun: string,
  build: { version: string; started: number },
): void {
  registry.reading(
    'gauge',
    `aegis_${noun}_build_info`,
    `Version of the ${noun} and of Node.`,
    () => [{ value: 1, labels: [build.version, process.versions.node] }],
    ['version', 'node'],
  );
  registry.reading('gauge', 'process_start_time_seconds', 'Start, since the epoch.', () => build.started / 1000);
  registry.reading('counter', 'process_cpu_seconds_total', 'Processor time, user and system.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  registry.reading('gauge', 'process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
  registry.reading('gauge', 'nodejs_heap_size_used_bytes', 'Heap of V8 in use.', () => process.memoryUsage().heapUsed);
  registry.reading(
    'counter',
    `aegis_${noun}_event_loop_busy_seconds_total`,
    'Time that the event loop was busy.',
    () => performance.eventLoopUtilization().active / 1000,
  );
}
