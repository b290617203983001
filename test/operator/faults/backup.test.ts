/** The cluster is restored from an older backup, with no operator running, while gateways hold what was committed since. */
import { Shop } from './shop-b.ts';

let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open();
}, 90_000);

afterAll(async () => {
  await shop?.world.close();
});

test('restored while no operator runs: the gateway shows its head, and the next bundle goes above it', async () => {
  await shop.steps(101);
  await shop.world.stopOperator();
  const backup = await shop.world.server.backup();
  await shop.world.startOperator();
  await shop.steps(102, 103);
  const held = await shop.sequence();
  await shop.world.stopOperator();
  await shop.world.server.restore(backup);
  await shop.world.startOperator();
  // the resources are those of the backup, and so is the cap, but nothing goes back
  await shop.inForce(101, held);
  expect(shop.world.operator.log().some(({ event }) => event === 'bundle.behind')).toBe(true);
  await shop.steps(105);
}, 120_000);

test('restored, and as many changes since as were lost: the same number with other content does not divide them', async () => {
  await shop.world.stopOperator();
  const backup = await shop.world.server.backup();
  await shop.world.startOperator();
  await shop.steps(106);
  const held = await shop.sequence();
  await shop.world.stopOperator();
  await shop.world.server.restore(backup);
  // before any gateway can say a word: the sequence that it holds is committed with another cap
  await shop.setCap(107);
  await shop.world.startOperator();
  await shop.inForce(107, held);
}, 120_000);
