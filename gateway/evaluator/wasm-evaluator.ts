import { AegisError } from '../../policy/errors.ts';
import { MalformedInput, PolicyInstance } from './policy-instance.ts';
import { PatternCache } from './regex-builtin.ts';

/** Evaluates the compiled policy over one immutable data document. Nothing but the answer of the policy comes out. */

export interface EvaluatorLimits {
  /** UTF-8 bytes of one input; default 256 KiB. */
  maxInputBytes?: number;
  /** WASM memory in all; default 1 GiB. */
  maxMemoryBytes?: number;
  /** WASM memory that evaluations may take beside the data; default 64 MiB. */
  maxEvaluationBytes?: number;
}

export interface EvaluatorOptions {
  /** The compiled policy: a module (share it between evaluators), or its bytes. */
  module: WebAssembly.Module | Uint8Array;
  /** JSON text of the whole data document. Kept, to build the instance anew after a trap. */
  data: Uint8Array | string;
  entrypoint?: string;
  limits?: EvaluatorLimits;
}

export interface EvaluatorStats {
  evaluations: number;
  /** Evaluations that gave no document: undefined, trap, abort, out of memory. */
  failures: number;
  /** Times that the instance was built anew after a trap. */
  rebuilds: number;
  memoryBytes: number;
}

export interface Evaluator {
  /**
   * The policy's document for an input. Synchronous; the same input gives the same answer.
   * @param inputJson a JSON object, written by `stringify` (`policy/decision/stringify.ts`) or `JSON.stringify`.
   * @returns the result document: plain JS, with a `NumberLiteral` where a number would not be exact.
   * @throws AegisError AEGIS_INPUT_TOO_LARGE, AEGIS_INPUT_SYNTAX, AEGIS_EVALUATION_UNDEFINED, AEGIS_EVALUATION_FAILED
   */
  evaluate(inputJson: string): unknown;
  readonly stats: EvaluatorStats;
  /** Lets go of the memory. Later evaluations fail. */
  dispose(): void;
}

/** Compiled patterns are the same for every bundle, so they outlive a reload. */
const patterns = new PatternCache();

class WasmEvaluator implements Evaluator {
  readonly #build: () => PolicyInstance;
  #instance: PolicyInstance | undefined;
  #disposed = false;
  #evaluations = 0;
  #failures = 0;
  #rebuilds = 0;

  constructor(build: () => PolicyInstance) {
    this.#build = build;
    this.#instance = build();
  }

  get stats(): EvaluatorStats {
    return {
      evaluations: this.#evaluations,
      failures: this.#failures,
      rebuilds: this.#rebuilds,
      memoryBytes: this.#instance?.memoryBytes ?? 0,
    };
  }

  evaluate(inputJson: string): unknown {
    const instance = this.#instance ?? this.#rebuild();
    this.#evaluations++;
    let results: unknown[];
    try {
      results = instance.evaluate(inputJson);
    } catch (cause) {
      throw this.#failed(cause);
    }
    if (results.length === 1) return results[0];
    this.#failures++;
    if (results.length === 0) throw new AegisError('AEGIS_EVALUATION_UNDEFINED', 'the policy gave no document');
    throw new AegisError('AEGIS_EVALUATION_FAILED', 'the policy gave several documents');
  }

  dispose(): void {
    this.#disposed = true;
    this.#instance = undefined;
  }

  /** After a trap the heap may be corrupt and the C stack is not unwound, so that the instance is not used again. */
  #failed(cause: unknown): AegisError {
    if (cause instanceof AegisError) return cause;
    this.#failures++;
    if (cause instanceof MalformedInput) return new AegisError('AEGIS_INPUT_SYNTAX', cause.message);
    this.#instance = undefined;
    const message = cause instanceof Error ? cause.message : 'unknown cause';
    return new AegisError('AEGIS_EVALUATION_FAILED', `the evaluation failed: ${message}`, { cause });
  }

  #rebuild(): PolicyInstance {
    if (this.#disposed) throw new AegisError('AEGIS_EVALUATION_FAILED', 'the evaluator was disposed of');
    this.#instance = this.#build();
    this.#rebuilds++;
    return this.#instance;
  }
}

function compileModule(module: WebAssembly.Module | Uint8Array): WebAssembly.Module {
  if (!ArrayBuffer.isView(module)) return module;
  try {
    return new WebAssembly.Module(module as Uint8Array<ArrayBuffer>);
  } catch (cause) {
    throw new AegisError('AEGIS_ENGINE_ABI', 'the policy is not a WebAssembly module', { cause });
  }
}

/**
 * Loads a compiled policy and its data. Blocks for as long as that takes (about 6 µs per KiB of data).
 * @throws AegisError AEGIS_ENGINE_ABI, AEGIS_ENGINE_BUILTIN, AEGIS_ENGINE_ENTRYPOINT, AEGIS_EVALUATOR_DATA
 */
export function createEvaluator(options: EvaluatorOptions): Evaluator {
  const { limits = {} } = options;
  const instanceOptions = {
    module: compileModule(options.module),
    data: typeof options.data === 'string' ? new TextEncoder().encode(options.data) : options.data,
    entrypoint: options.entrypoint ?? 'aegis/decision',
    maxInputBytes: limits.maxInputBytes ?? 256 * 1024,
    maxMemoryBytes: limits.maxMemoryBytes ?? 2 ** 30,
    maxEvaluationBytes: limits.maxEvaluationBytes ?? 64 * 2 ** 20,
    patterns,
  };
  return new WasmEvaluator(() => new PolicyInstance(instanceOptions));
}
