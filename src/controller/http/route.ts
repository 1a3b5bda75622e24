/** A row of an API's table: who may do what under which path. */
import type { Answer } from './answer.ts';
import type { ApiRequest } from './request.ts';

/**
 * `anyone`: also callers we do not know (the handler checks a secret, or tells nothing). `metrics`: certificates of that
 * type too. `trusted`: any client. `admin`: not those restricted to projects.
 */
export const ACCESS = ['anyone', 'metrics', 'trusted', 'admin'] as const;
export type Access = (typeof ACCESS)[number];

export type Handler = (request: ApiRequest) => Promise<Answer> | Answer;

export interface Route {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE' | 'HEAD';
  /** `/1.0/instances/:name`: one `:part` is one percent-encoded segment. */
  readonly path: string;
  readonly access: Access;
  readonly handle: Handler;
}

/** An API that the server offers: its table, and how its answers and errors look. */
export interface Api {
  readonly routes: readonly Route[];
  /** Paths below belong to this API also when nothing is there: its 404 looks like its other errors. */
  readonly prefix: string;
  readonly render: Render;
}

export interface Rendered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface Render {
  answer(answer: Answer): Rendered;
  error(error: unknown): Rendered;
}
