/** The cluster is restored from an older backup under a running operator. */
import { eventually } from '../../apiserver/wait-for.ts';
import { Shop } from './shop-b.ts';

let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open();
}, 90_000);

afterAll(async () => {
  await shop?.world.close();
});

test('restored under a running operator: what it has committed stays, and goes on', async () => {
  await shop.steps(107);
  const backup = await shop.world.server.backup();
  await shop.steps(108);
  const held = await shop.sequence();
  await shop.world.server.restore(backup);
  await eventually(async () => {
    // back to the cap of the backup, above everything that was committed
    expect(await shop.verdicts(107, 108)).toEqual(['allow', 'deny']);
    expect(await shop.sequence()).toBeGreaterThan(held);
  }, 40_000);
  await shop.steps(110);
}, 90_000);
