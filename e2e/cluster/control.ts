import { createServer, request, type Server } from 'node:http';
import { text } from 'node:stream/consumers';

/** What suites may ask of the node, by name, with the arguments as JSON. A Unix socket: it knows no network. */
export type Operations = Record<string, (...args: never[]) => unknown>;

export function serveControl(socket: string, operations: Operations): Promise<Server> {
  const server = createServer(async (question, answer) => {
    const operation = operations[question.url?.slice(1) ?? ''] as ((...args: unknown[]) => unknown) | undefined;
    try {
      if (operation === undefined) throw new Error(`the node knows no ${question.url}`);
      const result = await operation(...(JSON.parse((await text(question)) || '[]') as unknown[]));
      answer.writeHead(200).end(JSON.stringify(result ?? null));
    } catch (error) {
      answer.writeHead(500).end(JSON.stringify((error as Error).message));
    }
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(socket, () => resolve(server));
  });
}

/** @throws with what the node says */
export function askNode(socketPath: string, operation: string, ...args: unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const question = request({ socketPath, path: `/${operation}`, method: 'POST' }, async (answer) => {
      const body = JSON.parse(await text(answer)) as unknown;
      if (answer.statusCode === 200) resolve(body);
      else reject(new Error(String(body)));
    });
    question.on('error', reject).end(JSON.stringify(args));
  });
}
