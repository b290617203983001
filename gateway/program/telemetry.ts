import { readFileSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { AegisError } from '../../policy/errors.ts';
import { errorName, type Logger } from '../../runtime/telemetry/logger.ts';
import { MetricsRegistry } from '../../runtime/telemetry/metrics-registry.ts';
import { addProcessMetrics } from '../../runtime/telemetry/process-metrics.ts';
import type { Settings } from '../config/settings.ts';
import type { ActivationSource } from '../enforcement/activation.ts';
import type { CallCounts } from '../reports/call-counts.ts';
import type { EgressCounts } from '../reports/egress-counts.ts';
import { countCalls, countEgress } from '../reports/start-reports.ts';
import { CallJournal, type JournalReaders } from '../telemetry/call-journal.ts';
import { createCallMetrics } from '../telemetry/call-metrics.ts';
import { decisionLogLines } from '../telemetry/decision-log.ts';
import { decisionSpan } from '../telemetry/decision-span.ts';
import { fileSink } from '../telemetry/file-sink.ts';
import { type LineSink, streamSink } from '../telemetry/line-sink.ts';
import { LogQueue } from '../telemetry/log-queue.ts';
import type { OtlpExporter } from '../telemetry/otlp-exporter.ts';
import { RefusedRequests } from '../telemetry/refused-requests.ts';
import { defined } from './defined.ts';
import { readSettingFile } from './setting-file.ts';

export interface TelemetryDeps {
  logger: Logger;
  source: ActivationSource;
  stdout: Writable;
  /** Milliseconds, monotonic. */
  ticks(): number;
  random(): number;
  randomBytes(size: number): Uint8Array;
  /** ms since the epoch. */
  now(): number;
  version: string;
  /** ms since the epoch, when the process started. */
  started: number;
  hostName: string;
}

export interface Telemetry {
  journal: CallJournal;
  registry: MetricsRegistry;
  /** What is told to the operator, where it is told anything. */
  counts: CallCounts;
  /** Where connections lead that are no calls of tools, where that is observed. */
  egress?: EgressCounts;
  log?: LogQueue;
  traces?: OtlpExporter;
  /** The log can take nothing more, and the settings say that calls that write shall not pass then. */
  mustDenyWrites(): boolean;
  /** Delivers what there is within `ms`. @returns log lines that are lost. */
  close(ms: number): Promise<number>;
  /** At a crash: the log to disk, before this returns. */
  saveNow(): void;
}

function openLog(settings: Settings, { stdout, ticks, random }: TelemetryDeps): LogQueue | undefined {
  const target = settings['telemetry.log'];
  if (target === 'off') return undefined;
  const file = { maxSize: settings['telemetry.logMaxSize'], keep: settings['telemetry.logKeep'] };
  const sink: LineSink = target === 'stdout' ? streamSink(stdout, 'stdout') : fileSink(target, file);
  const directory = settings['telemetry.spill.directory'];
  const spill = directory === undefined ? undefined : { directory, maxSize: settings['telemetry.spill.maxSize'] };
  try {
    return new LogQueue({ sink, ticks, random, ...defined({ spill }) });
  } catch (error) {
    const message = `telemetry.spill.directory: the folder ${directory} cannot be used (${errorName(error)}).`;
    throw new AegisError('AEGIS_SETTING_FILE', message, { cause: error });
  }
}

async function openTraces(settings: Settings, deps: TelemetryDeps): Promise<OtlpExporter | undefined> {
  const endpoint = settings['telemetry.otlp.endpoint'];
  if (endpoint === undefined) return undefined;
  // Only for those who trace.
  const [{ OtlpExporter }, { otlpPost, parseHeaders }] = await Promise.all([
    import('../telemetry/otlp-exporter.ts'),
    import('../telemetry/otlp-post.ts'),
  ]);
  const headersFile = settings['telemetry.otlp.headersFile'];
  let headers = parseHeaders(readSettingFile(settings, 'telemetry.otlp.headersFile') ?? '');
  if (headers === undefined) {
    throw new AegisError('AEGIS_SETTING_FILE', 'telemetry.otlp.headersFile: a line is not of the form `Name: value`.');
  }
  const ca = readSettingFile(settings, 'telemetry.otlp.caFile');
  const { post } = otlpPost({ endpoint, timeout: settings['telemetry.otlp.timeout'], ...defined({ ca }) });
  return new OtlpExporter({
    post,
    // Tokens are replaced in place; while the file is being replaced, the last readable one counts.
    headers: () => {
      if (headersFile === undefined) return {};
      try {
        headers = parseHeaders(readFileSync(headersFile, 'utf8')) ?? headers;
      } catch {}
      return headers ?? {};
    },
    resource: defined({
      'service.name': settings['telemetry.service'],
      'service.version': deps.version,
      'service.instance.id': deps.hostName,
      'service.namespace': settings.tenant,
    }),
    version: deps.version,
    maxQueue: settings['telemetry.otlp.queue'],
    random: deps.random,
  });
}

/** @throws AegisError AEGIS_SETTING_FILE */
export async function openTelemetry(settings: Settings, deps: TelemetryDeps): Promise<Telemetry> {
  const registry = new MetricsRegistry();
  const traces = await openTraces(settings, deps);
  const log = openLog(settings, deps);
  const newBoot = (): string => Buffer.from(deps.randomBytes(12)).toString('hex');
  const { source, now, ticks, logger } = deps;
  const egress = settings['egress.observe']
    ? countEgress(registry, { ticks, onNew: (destination) => logger.info('egress.seen', { ...destination }) })
    : undefined;
  const counts = countCalls(registry, { source, now, ticks, newBoot, ...defined({ egress }) });
  const readers: JournalReaders[] = [createCallMetrics(registry, deps.source), counts];
  const append = (line: string): void => log?.append(line);
  const who = defined({ tenant: settings.tenant, agent: settings.agent });
  const refused = new RefusedRequests({ append, now, ticks, ...who });
  if (log !== undefined) readers.push(decisionLogLines(append), refused);
  if (traces !== undefined) readers.push({ complete: (entry) => traces.add(decisionSpan(entry)) });
  const journal = new CallJournal(readers, { ticks: deps.ticks });
  addProcessMetrics(registry, 'gateway', deps);
  const denies = settings['telemetry.whenFull'] === 'DenyWrites';
  return {
    journal,
    registry,
    counts,
    ...defined({ log, traces, egress }),
    mustDenyWrites: () => denies && log?.full === true,
    async close(ms) {
      journal.close();
      refused.close();
      const [lost = 0] = await Promise.all([log?.close(ms), traces?.close(ms)]);
      return lost;
    },
    saveNow() {
      journal.close();
      refused.close();
      log?.saveNow();
    },
  };
}
