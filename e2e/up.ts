/** A cluster for work by hand, until Ctrl-C: `node e2e/up.ts`. */
import { RunningCluster } from './cluster/running-cluster.ts';
import { pauseImage } from './images/pause.ts';

const cluster = await RunningCluster.start([await pauseImage()]);
const { enter, adminKubeconfig } = cluster.layout;
console.log(`cluster is up\nKUBECONFIG ${adminKubeconfig}\nget in: ${enter} kubectl get pods -A`);
const stop = () => void cluster.stop();
process.once('SIGINT', stop).once('SIGTERM', stop);
await cluster.whenEnded();
