import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findingsOf, unknownsOf } from '../../../cli/doctor/check.ts';
import { diagnoseCluster } from '../../../cli/doctor/diagnose-cluster.ts';
import { doctorText } from '../../../cli/output/doctor-text.ts';
import { cluster, FORBIDDEN, NAMESPACE, pod, read, registration, STAMP, withCondition } from './snapshots.ts';

const LABELLED = read({ 'aegis.dev/inject': 'enabled' });

const named = (name: string, change: Parameters<typeof pod>[0] = {}) => {
  const object = pod(change);
  return { ...object, metadata: { ...object.metadata, name } };
};

test('nothing is wrong where everything is protected', () => {
  const diagnosis = diagnoseCluster(cluster());
  expect([findingsOf(diagnosis), unknownsOf(diagnosis)]).toEqual([0, 0]);
});

test('what is not protected, one line each', () => {
  const guarded = withCondition(registration(), 'EgressGuarded', 'False', 'RootUser', 'The guard is not granted.');
  const diagnosis = diagnoseCluster(
    cluster({
      namespaces: [
        {
          name: NAMESPACE,
          labels: LABELLED,
          registrations: read([guarded]),
          pods: read([
            named('b-root', { stamp: { ...STAMP, guarded: false, problems: ['RootUser'] } }),
            named('a-old', { stamp: undefined }),
            named('c-fine'),
            named('unrelated', { stamp: undefined, labels: { app: 'web' } }),
            { ...named('finished', { stamp: undefined }), status: { phase: 'Succeeded' } },
          ]),
        },
        { name: 'ehr', labels: read({}), registrations: read([registration()]), pods: read([]) },
        { name: 'hidden', labels: FORBIDDEN, registrations: FORBIDDEN, pods: FORBIDDEN },
      ],
    }),
  );
  const text = doctorText(diagnosis, { colour: false, brief: true });
  const file = join(__dirname, 'golden', 'cluster.txt');
  if (process.env.AEGIS_GOLDEN === 'write') writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, 'utf8'));
  expect([findingsOf(diagnosis), unknownsOf(diagnosis)]).toEqual([4, 3]);
});

test('of hundreds of pods some are named and all are counted', () => {
  const pods = Array.from({ length: 300 }, (_, index) =>
    named(`p-${String(index).padStart(3, '0')}`, { stamp: undefined }),
  );
  const namespaces = [{ name: NAMESPACE, labels: LABELLED, registrations: read([registration()]), pods: read(pods) }];
  const text = doctorText(diagnoseCluster(cluster({ namespaces })), { colour: false, brief: true });
  expect(text).toContain('pod p-019: PodsPredateInjection');
  expect(text).not.toContain('p-020');
  expect(text).toContain('280 more pods of this namespace are not protected.');
});
