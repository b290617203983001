/**
 * What the operator uses of the Kubernetes client, for its bundle: the package's own entry also loads the models of
 * seven hundred kinds, a second undici and WebSocket, which is 25 MB of memory and half of the time that starting takes.
 */
export { KubeConfig } from '@kubernetes/client-node/dist/config.js';
