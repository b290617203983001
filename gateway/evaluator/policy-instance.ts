import * as sdk from '@open-policy-agent/opa-wasm';
import { AegisError } from '../../policy/errors.ts';
import { type PatternCache, RegexFindN } from './regex-builtin.ts';
import { TYPE, WasmValues } from './wasm-values.ts';

/**
 * One WebAssembly instance of a compiled policy with its data loaded (OPA's WASM ABI 1.2 and later,
 * https://www.openpolicyagent.org/docs/wasm). The SDK loads data and reads the ABI's tables; the calls of an evaluation
 * are made here, because the SDK's way (JSON text in and out, arguments of builtins too) takes twice as long.
 */

/** At run time all of the SDK is in its default export; its types know only named ones. */
const { LoadedPolicy } = (sdk as unknown as { default: typeof sdk }).default;

const PAGE = 65_536;
/**
 * Memory that a JSON document takes once loaded: measured 13 to 16 times its text, plus the text. Letting it grow while
 * it loads is slow, and what is not touched costs nothing.
 */
const DATA_FACTOR = 18;
/** Room for the stack, the policy's constants, and an ordinary evaluation. */
const SLACK = 1 << 20;

interface Exports {
  opa_wasm_abi_version?: WebAssembly.Global;
  opa_wasm_abi_minor_version?: WebAssembly.Global;
  opa_malloc(size: number): number;
  opa_heap_ptr_set(address: number): void;
  opa_json_parse(text: number, length: number): number;
  opa_json_dump(value: number): number;
  opa_eval_ctx_new(): number;
  opa_eval_ctx_set_input(context: number, value: number): void;
  opa_eval_ctx_set_data(context: number, value: number): void;
  opa_eval_ctx_set_entrypoint(context: number, entrypoint: number): void;
  opa_eval_ctx_get_result(context: number): number;
  eval(context: number): number;
  builtins(): number;
}

export interface InstanceOptions {
  module: WebAssembly.Module;
  data: Uint8Array;
  entrypoint: string;
  maxInputBytes: number;
  maxMemoryBytes: number;
  /** How far one evaluation may let the memory grow. */
  maxEvaluationBytes: number;
  patterns: PatternCache;
}

/** What the imports need from the instance, which exists only after them. */
interface Link {
  findN(pattern: number, value: number, count: number): number;
  message(address: number): string;
}

/** OPA's own JSON parser refused the input. The instance stays usable. */
export class MalformedInput extends Error {}

function memorySize(options: InstanceOptions): { initial: number; maximum: number } {
  const bytes = options.data.length * DATA_FACTOR + SLACK + 2 * options.maxInputBytes;
  const initial = Math.ceil(bytes / PAGE);
  const cap = Math.floor(options.maxMemoryBytes / PAGE);
  if (initial > cap) {
    const message = `the data need about ${initial * PAGE} bytes of memory; ${options.maxMemoryBytes} are allowed`;
    throw new AegisError('AEGIS_EVALUATOR_DATA', message);
  }
  return { initial, maximum: Math.min(cap, initial + Math.ceil(options.maxEvaluationBytes / PAGE)) };
}

function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory, link: Link): WebAssembly.Instance {
  const refuse = () => {
    throw new Error('a builtin that the host does not have');
  };
  const env = {
    memory,
    opa_abort: (address: number) => {
      throw new Error(`opa_abort: ${link.message(address)}`);
    },
    opa_println: () => undefined,
    opa_builtin0: refuse,
    opa_builtin1: refuse,
    opa_builtin2: refuse,
    // The only builtin with an id is regex.find_n: `checkBuiltins` has refused all others.
    opa_builtin3: (_id: number, _context: number, a: number, b: number, c: number) => link.findN(a, b, c),
    opa_builtin4: refuse,
  };
  try {
    return new WebAssembly.Instance(module, { env });
  } catch (cause) {
    throw new AegisError('AEGIS_ENGINE_ABI', 'the module is not a compiled OPA policy', { cause });
  }
}

function checkAbi(exports: Exports): void {
  const major = exports.opa_wasm_abi_version?.value;
  const minor = exports.opa_wasm_abi_minor_version?.value;
  if (major !== 1 || minor === undefined || minor < 2) {
    throw new AegisError('AEGIS_ENGINE_ABI', `the module has OPA ABI ${major}.${minor}; 1.2 or later is needed`);
  }
}

function checkBuiltins(exports: Exports, values: WasmValues): void {
  const builtins = values.value(exports.builtins()) as Record<string, number>;
  const unknown = Object.keys(builtins).filter((name) => name !== 'regex.find_n');
  if (unknown.length > 0) {
    throw new AegisError('AEGIS_ENGINE_BUILTIN', `the module needs ${unknown.sort().join(', ')}`);
  }
}

export class PolicyInstance {
  readonly #exports: Exports;
  readonly #memory: WebAssembly.Memory;
  readonly #values: WasmValues;
  readonly #data: number;
  /** Where the loaded data end: the input is written here, and each evaluation starts its heap behind it. */
  readonly #heap: number;
  readonly #entrypoint: number;
  readonly #maxInputBytes: number;

  /** @throws AegisError AEGIS_ENGINE_ABI, AEGIS_ENGINE_BUILTIN, AEGIS_ENGINE_ENTRYPOINT, AEGIS_EVALUATOR_DATA */
  constructor(options: InstanceOptions) {
    const link: Link = { findN: () => 0, message: (address) => this.#cString(address) };
    this.#memory = new WebAssembly.Memory(memorySize(options));
    this.#maxInputBytes = options.maxInputBytes;
    const instance = instantiate(options.module, this.#memory, link);
    const exports = instance.exports as unknown as Exports;
    checkAbi(exports);
    this.#exports = exports;
    this.#values = new WasmValues(this.#memory, exports.opa_malloc);
    checkBuiltins(exports, this.#values);
    const loaded = new LoadedPolicy(
      { instance, module: options.module },
      this.#memory,
      exports.opa_wasm_abi_minor_version?.value,
    );
    this.#entrypoint = this.#findEntrypoint(loaded.entrypoints, options.entrypoint);
    this.#checkLayout();
    this.#data = this.#load(loaded, options.data);
    this.#heap = align(loaded.dataHeapPtr);
    this.#values.refresh();
    this.#values.setConstant(loaded.baseHeapPtr, loaded.dataHeapPtr);
    const findN = new RegexFindN(this.#values, options.patterns);
    link.findN = (pattern, value, count) => findN.call(pattern, value, count);
  }

  get memoryBytes(): number {
    return this.#memory.buffer.byteLength;
  }

  /**
   * Writes the input and evaluates.
   * @returns the values of the result set: one for a defined document, none for an undefined one.
   * @throws AegisError AEGIS_INPUT_TOO_LARGE, MalformedInput; anything else leaves the instance unusable.
   */
  evaluate(inputJson: string): unknown[] {
    const values = this.#values;
    const exports = this.#exports;
    const length = this.#writeInput(inputJson);
    exports.opa_heap_ptr_set(align(this.#heap + length));
    const input = exports.opa_json_parse(this.#heap, length);
    if (input === 0) throw new MalformedInput('the input is not JSON');
    const context = exports.opa_eval_ctx_new();
    exports.opa_eval_ctx_set_input(context, input);
    exports.opa_eval_ctx_set_data(context, this.#data);
    exports.opa_eval_ctx_set_entrypoint(context, this.#entrypoint);
    if (exports.eval(context) !== 0) throw new Error('eval failed');
    const results = exports.opa_eval_ctx_get_result(context);
    values.refresh();
    return values.setMembers(results).map((result) => values.value(values.member(result, 'result')));
  }

  #writeInput(inputJson: string): number {
    const max = this.#maxInputBytes;
    if (inputJson.length * 3 > max && Buffer.byteLength(inputJson) > max) {
      throw new AegisError('AEGIS_INPUT_TOO_LARGE', `the input has more than ${max} bytes`);
    }
    this.#values.refresh();
    return this.#values.write(inputJson, this.#heap);
  }

  #findEntrypoint(entrypoints: Record<string, number>, name: string): number {
    const id = entrypoints[name];
    if (id === undefined) {
      throw new AegisError('AEGIS_ENGINE_ENTRYPOINT', `the module has no entrypoint ${name}`);
    }
    return id;
  }

  #load(loaded: sdk.LoadedPolicy, data: Uint8Array): number {
    // The SDK takes an ArrayBuffer only, of the same realm as itself.
    const copy = new ArrayBuffer(data.length);
    new Uint8Array(copy).set(data);
    try {
      loaded.setData(copy);
    } catch (cause) {
      throw new AegisError('AEGIS_EVALUATOR_DATA', 'the data document is not JSON or does not fit', { cause });
    }
    this.#values.refresh();
    if (this.#values.bytes[loaded.dataAddr] !== TYPE.object) {
      throw new AegisError('AEGIS_EVALUATOR_DATA', 'the data document is not a JSON object');
    }
    return loaded.dataAddr;
  }

  /** Values are read and built by their layout in memory; refuse an engine in which that is another one. */
  #checkLayout(): void {
    const values = this.#values;
    const text = '{"a":["\u00e9",-1.5,true,null,{},"longer than a short text"]}';
    const address = this.#exports.opa_malloc(text.length);
    values.refresh();
    const length = values.write(text, address);
    const parsed = this.#exports.opa_json_parse(address, length);
    const read = JSON.stringify(values.value(parsed));
    const array = values.value(parsed) as { a: unknown };
    const built = this.#exports.opa_json_dump(values.arrayOf(values.member(parsed, 'a')));
    const expected = JSON.stringify(JSON.parse(text));
    if (read !== expected || this.#cString(built) !== `[${JSON.stringify(array.a)}]`) {
      throw new AegisError('AEGIS_ENGINE_ABI', 'the module lays out values in an unknown way');
    }
  }

  #cString(address: number): string {
    this.#values.refresh();
    const end = this.#values.bytes.indexOf(0, address);
    return this.#values.text(address, Math.min(end - address, 65_536));
  }
}

const align = (address: number): number => (address + 7) & ~7;
