import { loadSettings } from '../../../runtime/settings/load-settings.ts';
import { defineSettings } from '../../../runtime/settings/program-settings.ts';
import { given, optional } from '../../../runtime/settings/setting.ts';
import { helpText, problemsText, settingsText } from '../../../runtime/settings/settings-text.ts';
import { integer, listOf, NAME, TEXT } from '../../../runtime/settings/value-types.ts';

/** A program of nobody. */
const KILN = defineSettings({
  table: {
    'oven.heat': given(integer(0, 2000), '20', 'How hot.'),
    'oven.racks': given(listOf(NAME), '', 'Which racks.'),
    potter: optional(TEXT, 'Who.'),
  },
  command: 'pottery kiln',
  noun: 'kiln',
  environmentPrefix: 'KILN_',
  check: ({ 'oven.heat': heat, potter }) =>
    heat > 1000 && potter === undefined
      ? [{ code: 'AEGIS_SETTING_MISSING' as const, message: 'potter is needed above 1000.' }]
      : [],
  help: { about: 'Burns pots.', exampleKey: 'oven.heat', example: 'pottery kiln --oven.heat 900' },
});

const load = (argv: string[], environment: Record<string, string> = {}, text = '') =>
  loadSettings(KILN, { argv, environment, readFile: async () => text });

test('a program is one table: types, defaults, places, checks', async () => {
  const { settings, origins, problems } = await load(
    ['--oven.heat=900', '--config', 'k.yaml'],
    { KILN_OVEN_RACKS: 'a,b', GATEWAY_OVEN_HEAT: '1' },
    'potter: Lucie\noven: {heat: 3}\n',
  );
  expect(problems).toEqual([]);
  const heat: number = settings['oven.heat'];
  const racks: readonly string[] = settings['oven.racks'];
  const potter: string | undefined = settings.potter;
  expect([heat, racks, potter]).toEqual([900, ['a', 'b'], 'Lucie']);
  expect([...origins.values()]).toEqual(['--oven.heat', 'KILN_OVEN_RACKS', 'k.yaml:1']);
  expect((await load(['--oven.heat', '1500'])).problems).toHaveLength(1);
});

test('its texts speak of that program alone', async () => {
  const help = helpText(KILN);
  expect(help).toContain('Usage: pottery kiln [--config FILE]');
  expect(help).toContain('(KILN_… , e.g. KILN_OVEN_HEAT)');
  expect(help).toContain('pottery kiln --oven.heat 900');
  const { problems } = await load(['--oven.haet', '3', '--config', 'k'], { KILN_OVN: '1' }, 'ovn: 1');
  expect(problemsText(KILN, problems)).toBe(
    [
      'the command line: There is no setting --oven.haet; did you mean --oven.heat? [AEGIS_SETTING_UNKNOWN]',
      'the environment: There is no setting KILN_OVN [AEGIS_SETTING_UNKNOWN]',
      'k:1: There is no setting ovn; did you mean oven? [AEGIS_SETTING_UNKNOWN]',
      'The kiln does not start; see `pottery kiln --help`.\n',
    ].join('\n'),
  );
  expect(settingsText(KILN, await load(['--potter', 'x']))).toBe(
    'oven.heat: 20  # default\noven.racks: (none)  # default\npotter: x  # --potter\n',
  );
  expect(`${help}${settingsText(KILN, await load([]))}`).not.toMatch(/aegis|gateway|operator/i);
});

test('service links are told apart by the prefix', async () => {
  expect((await load([], { KILN_PORT_80_TCP: 'x', KILN_SERVICE_HOST: 'x' })).problems).toEqual([]);
  expect((await load([], { KILN_PROT_80_TCP: 'x' })).problems).toHaveLength(1);
});

test('names of the prototype are no settings', async () => {
  for (const name of ['__proto__', 'constructor', 'toString']) {
    expect((await load([`--${name}`, 'x'])).problems).toHaveLength(1);
    expect((await load(['--config', 'f'], {}, `${name}: x`)).problems).toHaveLength(1);
  }
});
