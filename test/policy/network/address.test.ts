import { cidrContains, isCidr, parseAddress } from '../../../policy/network/address.ts';
import { Random } from '../decision/differential/random.ts';
import { parseIp } from '../decision/reference/values.ts';

test.each([
  '10.0.0.0/8',
  '0.0.0.0/0',
  '255.255.255.255/32',
  '::/0',
  'fd00::/8',
  '1:2:3:4:5:6:7:8/128',
  '::1/128',
  'FE80::/10',
])('%s is a block', (block) => {
  expect(isCidr(block)).toBe(true);
});

test.each([
  '10.0.0.0',
  '10.0.0/8',
  '10.0.0.0/33',
  '10.0.0.0/08',
  '10.0.0.0/-1',
  '010.0.0.0/8',
  '10.0.0.256/8',
  '10.0.0.0/8/8',
  '/8',
  '::/129',
  '1::2::3/64',
  '12345::/16',
  '1:2:3:4:5:6:7/64',
  '1:2:3:4:5:6:7:8::/64',
  '::g/64',
  ':::/64',
  '::ffff:10.0.0.0/104',
  'localhost/8',
  '',
])('%p is none', (text) => {
  expect(isCidr(text)).toBe(false);
});

test('blocks hold addresses and blocks of their own family', () => {
  expect(cidrContains('10.0.0.0/8', '10.1.2.3')).toBe(true);
  expect(cidrContains('10.0.0.0/8', '10.1.0.0/16')).toBe(true);
  expect(cidrContains('10.1.0.0/16', '10.0.0.0/8')).toBe(false);
  expect(cidrContains('10.1.2.0/23', '10.1.3.255')).toBe(true);
  expect(cidrContains('10.1.2.0/23', '10.1.4.0')).toBe(false);
  expect(cidrContains('::/0', '10.1.2.3')).toBe(false);
  expect(cidrContains('0.0.0.0/0', '::1')).toBe(false);
  expect(cidrContains('fd00::/8', 'FD12::1')).toBe(true);
  expect(cidrContains('nonsense', '::1')).toBe(false);
});

test('every address of random groups is read as the reference reads it', () => {
  const random = new Random(7);
  for (let i = 0; i < 5000; i++) {
    const parts = Array.from({ length: 1 + random.below(9) }, () =>
      random.pick(['0', '1', 'ff', 'FFFF', '', '12345', 'g', '10']),
    );
    const text = parts.join(random.chance(0.7) ? ':' : '.');
    expect([text, parseAddress(text)]).toEqual([text, parseIp(text)]);
  }
});
