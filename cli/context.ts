import type { CryptoProvider } from '../policy/bundle/crypto-provider.ts';
import type { Engine } from '../policy/publication/bundle-content.ts';
import type { CatalogueFiles } from './catalogue/catalogue-files.ts';
import type { FileSystem } from './files/file-system.ts';
import type { OutputFiles } from './files/output-files.ts';

/** Everything that a command may touch outside itself; tests hand in their own. */
export interface CliContext {
  files: FileSystem;
  output: OutputFiles;
  stdin: AsyncIterable<Uint8Array>;
  stdout(text: string): void;
  stderr(text: string): void;
  /** Colours and progress only where a person looks. */
  isTerminal: boolean;
  /** Milliseconds since the epoch. */
  clock(): number;
  randomBytes(length: number): Uint8Array;
  crypto: CryptoProvider;
  engine(): Promise<Engine>;
  catalogue(): Promise<CatalogueFiles>;
  /** Asks the person at the terminal for one line; absent where nobody sits. Ends with undefined when input ends. */
  ask?(question: string): Promise<string | undefined>;
  /** Resolves when the user ends the program. */
  interrupted: Promise<void>;
}

/** 0 fine, 1 findings or a refused call, 2 wrong use. */
export type ExitCode = 0 | 1 | 2;
