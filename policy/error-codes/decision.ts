import type { ErrorTable } from './error-table.ts';

/** Decision input and evaluation. */
export const DECISION_ERRORS = {
  AEGIS_INPUT_SYNTAX: {
    summary: 'The decision input is not JSON (RFC 8259) in UTF-8.',
    fix: 'Send one JSON object, with nothing before or after it.',
  },
  AEGIS_INPUT_DUPLICATE_KEY: {
    summary: 'An object of the decision input has the same key twice.',
    fix: 'Send each key once; parsers disagree which one counts.',
  },
  AEGIS_INPUT_DEPTH: {
    summary: 'The decision input is nested too deeply.',
    fix: 'Pass only the parameters that policies speak of, not whole documents.',
  },
  AEGIS_INPUT_TOO_LARGE: {
    summary: 'The decision input has too many bytes, values or characters in one string.',
    fix: 'Pass only the parameters that policies speak of, not whole bodies.',
  },
  AEGIS_INPUT_NUMBER: {
    summary: 'A number that would not be compared exactly.',
    fix: 'Send integers of at most 64 bits or decimals of at most 18 significant digits, or send a string.',
  },
  AEGIS_INPUT_STRING: {
    summary: 'A string with a control character or an unpaired surrogate.',
    fix: 'Escape control characters and send valid Unicode.',
  },
  AEGIS_INPUT_KEY: {
    summary: 'A key that is not allowed in a decision input.',
    fix: 'Rename the key; __proto__ is refused everywhere.',
  },
  AEGIS_INPUT_FIELD: {
    summary: 'A field of the decision input is unknown or has the wrong type.',
    fix: 'Compare the input with docs/decision-contract.md.',
  },
  AEGIS_INPUT_MISSING: {
    summary: 'The decision input lacks a required field.',
    fix: 'Send agent, tool, action and params.',
  },
  AEGIS_ENGINE_ABI: {
    summary: 'The policy module is not a WebAssembly module that this version can run.',
    fix: 'Compile it with `opa build -t wasm` of the pinned OPA version.',
  },
  AEGIS_ENGINE_BUILTIN: {
    summary: 'The policy module needs a builtin that the gateway does not have.',
    fix: 'Compile it with the capabilities file of this repository, which refuses such builtins.',
  },
  AEGIS_ENGINE_ENTRYPOINT: {
    summary: 'The policy module lacks the entrypoint.',
    fix: 'Compile it with `-e aegis/decision`.',
  },
  AEGIS_EVALUATOR_DATA: {
    summary: 'The data of the bundle cannot be loaded into the evaluator.',
    fix: 'Check that the data are one JSON object and within the memory limit.',
  },
  AEGIS_EVALUATION_UNDEFINED: {
    summary: 'The policy gave no decision for the input.',
    fix: 'The call was not allowed. Report it with the input; the shared policy decides every valid input.',
  },
  AEGIS_EVALUATION_FAILED: {
    summary: 'The evaluation was aborted: out of memory, or a defect of the policy module.',
    fix: 'The call was not allowed. Send a smaller input, or report it with the message.',
  },
} as const satisfies ErrorTable;
