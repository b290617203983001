import type { CliContext } from '../context.ts';
import { findingText } from '../output/error-text.ts';
import type { Update } from '../workspace/local-system.ts';

/** Tells the user of `aegis run` what a change of the files has done. */
export class UpdateReport {
  readonly #context: Pick<CliContext, 'stdout' | 'stderr'>;
  #complaints = '';

  constructor(context: Pick<CliContext, 'stdout' | 'stderr'>) {
    this.#context = context;
  }

  show(update: Update, millis: number): void {
    const { stdout, stderr } = this.#context;
    const complaints = update.findings
      .filter(({ severity }) => severity !== 'info')
      .map((finding) => `${findingText(finding)}\n`)
      .join('');
    // the same complaints again would only push the decisions off the screen
    if (complaints !== this.#complaints) stderr(complaints === '' ? 'all problems are solved\n' : complaints);
    this.#complaints = complaints;
    for (const name of update.standIns) stderr(`${name}: its last good version stays in force\n`);
    for (const name of update.leftOut) stderr(`${name}: takes no part, it has no good version yet\n`);
    for (const name of update.held) {
      stderr(`tenant ${name}: its last good bundle stays in force as a whole until this is solved\n`);
    }
    for (const { tenant, sequence } of update.activated) {
      const compiled = update.tenants.find(({ name }) => name === tenant);
      const size = `${compiled?.agents.size ?? 0} agents, ${compiled?.policies.length ?? 0} policies`;
      stdout(`active: tenant ${tenant}, ${size}, sequence ${sequence} (${Math.round(millis)} ms)\n`);
    }
    if (update.tenants.length === 0) stderr('no policies are loaded: every call is refused\n');
  }
}
