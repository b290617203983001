import { AegisError } from '../../policy/errors.ts';
import { captureMode } from '../injection/capture-mode.ts';
import { templateOf } from '../injection/make-stamp.ts';
import { render } from '../injection/render.ts';
import type { InjectionSettings } from '../injection/types.ts';
import type { PodFacts } from './pod-facts.ts';

export interface PodTemplatesOptions {
  knowledge: Pick<PodFacts, 'ready' | 'namespace' | 'facts'>;
  /** Undefined where the operator was told no image. */
  settings: InjectionSettings | undefined;
  /** SHA-256 in hexadecimal digits. */
  digest(text: string): string;
}

/** What a pod that came now would be given, to tell those that were started with something else. */
export class PodTemplates {
  readonly #options: PodTemplatesOptions;

  constructor(options: PodTemplatesOptions) {
    this.#options = options;
  }

  /** `template` of a new pod's stamp; undefined where there would be none, or nobody can say yet. */
  of(namespace: string, registration: string): string | undefined {
    const { knowledge, settings, digest } = this.#options;
    if (settings === undefined || !knowledge.ready) return undefined;
    const where = knowledge.namespace(namespace);
    const facts = knowledge.facts(namespace, registration);
    if (where === undefined || facts === undefined) return undefined;
    try {
      return templateOf(render(facts, captureMode(where, settings), settings), digest);
    } catch (error) {
      if (error instanceof AegisError) return undefined;
      throw error;
    }
  }
}
