/** Runs inside the cluster's namespaces: `node run-node.ts FOLDER IMAGE…`. Serves until it is killed. */

import { serveControl } from './control.ts';
import { Layout } from './layout.ts';
import { ClusterNode } from './node.ts';

const [folder, ...images] = process.argv.slice(2);
const layout = new Layout(folder as string);
const node = new ClusterNode(layout);
await node.start(images);
await serveControl(layout.controlSocket, {
  importImage: (file: string) => node.importImage(file),
  stopApiServer: (signal?: 'SIGKILL' | 'SIGTERM') => node.stopServer(signal),
  startApiServer: () => node.startServer(),
  restartNode: () => node.restart(),
  rebootNode: () => node.reboot(),
  killSandboxes: (pods?: string[]) => node.killSandboxes(pods),
});
