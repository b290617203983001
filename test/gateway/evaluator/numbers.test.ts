import fc from 'fast-check';
import { createEvaluator } from '../../../gateway/evaluator/wasm-evaluator.ts';
import { compareDecimal } from '../../../policy/decimal.ts';
import { parseJson } from '../../../policy/decision/parse-json.ts';
import { stringifyExact } from '../../../policy/decision/stringify.ts';
import type { NumberLiteral } from '../../../policy/number-literal.ts';
import { compilePolicy, evaluateWithOpa } from './opa.ts';

type Exact = number | NumberLiteral;

const FIXED = [
  ...[
    '0',
    '-0',
    '1',
    '1.0',
    '1e0',
    '5000',
    '5000.0',
    '5000.000000000001',
    '4999.999999999999',
    '5000000000',
    '5000000001',
  ],
  ...['9007199254740992', '9007199254740993', '9223372036854775807', '9223372036854775806', '-9223372036854775808'],
  ...['0.1', '0.10', '0.100000000000000001', '0.30000000000000004', '0.3', '1e20', '100000000000000000001e-2', '1e-30'],
  ...['123456789.123456789', '123456789.123456788', '999999999999999999', '99999999999999999.9', '-0.000001', '1e30'],
];

/** Decimals of up to 18 digits in several spellings, and close neighbours. */
const spelled = fc
  .tuple(fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n }), fc.integer({ min: -18, max: 8 }), fc.boolean())
  .map(([digits, power, exponent]) => (exponent ? `${digits}e${power}` : `${digits}`));

test('numbers that are let in compare exactly, in WebAssembly as in stock opa', () => {
  const random = fc.sample(spelled, { numRuns: 600, seed: 3 });
  const texts = [...FIXED, ...random].filter((text) => text !== '100000000000000000001e-2');
  const pairs = texts.map((text, i): [string, string] => [text, texts[(i * 7 + 1) % texts.length] as string]);
  for (const a of FIXED) for (const b of FIXED) if (texts.includes(a) && texts.includes(b)) pairs.push([a, b]);
  const parsed = parseJson(`[${pairs.map(([a, b]) => `[${a},${b}]`).join(',')}]`).value as [Exact, Exact][];

  const input = stringifyExact({ pairs: parsed });
  const evaluator = createEvaluator({ module: compilePolicy('compare'), data: '{}' });
  const actual = evaluator.evaluate(input) as boolean[][];
  expect(actual).toEqual(evaluateWithOpa('compare', [input], '{}')[0]);
  const exact = parsed.map(([a, b]) => {
    const order = compareDecimal(a, b);
    const [cap, large, tenth] = [5000, 5_000_000_000, 0.1].map((limit) => compareDecimal(a, limit)) as [
      number,
      number,
      number,
    ];
    return [order < 0, order <= 0, order === 0, order === 0, cap > 0, large <= 0, tenth <= 0];
  });
  expect(actual).toEqual(exact);
});
