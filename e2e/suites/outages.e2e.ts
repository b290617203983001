/**
 * What breaks, and what the design says that then happens: the operator, the API server, the gateway, the node. One
 * guarded agent lives through all of it.
 */
import { waitFor } from '../../test/apiserver/wait-for.ts';
import { Cluster, type Ran } from '../cluster/cluster.ts';
import { installAegis } from '../world/aegis.ts';
import { deployment, HARDENED } from '../world/agent.ts';
import { DrivenAgent } from '../world/driven-agent.ts';
import { killOperator, operatorReady, startOperator, stopOperator } from '../world/operator-faults.ts';
import { Outside } from '../world/outside.ts';
import { AGENT, AGENT_LABEL, agentPublished, paymentPolicy, paymentResources } from '../world/payment-tenant.ts';
import { exhaustMemory, killNine, processOf } from '../world/pod-processes.ts';

const GATEWAY_USER = 16_001;
const cluster = Cluster.attach();
const HOSTS = ['api.stripe.com', 'files.example.com'];
let outside: Outside;
let namespace: string;
let other: string;
