import { checkCanonical } from '../../../policy/bundle/content-file.ts';
import { newSystem, sampleSources } from '../../support/sample.ts';

/** The compiler puts slices together from texts; only canonical ones have the digest that OPA computes. */
test.each(['fintech', 'ehr', 'cicd', 'egress'])('every data file of %s is canonical JSON', (sample) => {
  const { tenants } = newSystem().update(sampleSources(sample));
  expect(tenants.length).toBeGreaterThan(0);
  for (const tenant of tenants) {
    for (const { bytes } of [tenant.part, ...tenant.agents.values()]) {
      expect(() => checkCanonical('data.json', bytes)).not.toThrow();
    }
  }
});
