import { type Attempt, undecided } from './attempt.ts';
import { ask, get } from './tries.ts';

/** After the tool has reset the gateway's connections: their source ports are free, and the kernel remembers them. */
export const RESET: readonly Attempt[] = [
  {
    name: 'the source ports of connections that the tool has reset',
    why: 'the kernel keeps their entries as established; what opens a connection is not taken for a part of them',
    ends: /^(?:(?:ECONNREFUSED|EADDRINUSE|403 [A-Z_a-z]+ \[\S+\])(?:; |$))+$/,
    run: async ({ tool, freed }) => {
      const answers: string[] = [];
      for (const localPort of freed) {
        const way = { host: tool.address, port: 443, serverName: tool.host, localPort };
        answers.push(await ask(way, get(undecided('reset'), tool.host)));
      }
      return [...new Set(answers)].join('; ');
    },
  },
];
