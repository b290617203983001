/**
 * A cluster for work by hand, until Ctrl-C: `node e2e/up.ts [--bare]`. It has the images of the suites; with --bare only
 * what pods themselves need, which saves some seconds.
 */

import { phase } from './cluster/phases.ts';
import { RunningCluster } from './cluster/running-cluster.ts';
import { buildImages } from './images/images.ts';
import { pauseImage } from './images/pause.ts';

const bare = process.argv.includes('--bare');
const images = await phase('images', async () => (bare ? [await pauseImage()] : await buildImages()));
const cluster = await phase('cluster', () => RunningCluster.start(images));
const { enter, adminKubeconfig } = cluster.layout;
console.log(`KUBECONFIG ${adminKubeconfig}\nget in: ${enter} kubectl get pods -A\nCtrl-C ends it`);
const stop = (signal: string) => {
  console.log(`${signal}: the cluster goes`);
  void cluster.stop();
};
process.once('SIGINT', stop).once('SIGTERM', stop);
await cluster.whenEnded();
await cluster.stop();
console.log('the cluster has ended');
