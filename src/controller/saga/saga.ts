/**
 * How a long-running operation is declared: a table of steps with undo, and a pivot after which it only goes forward.
 * The types refuse an undoable step without undo, a step that reads what has not been done yet, an undo after the pivot,
 * and a saga without a pivot.
 */
import type { StepContext } from './step-context.ts';

// biome-ignore lint/suspicious/noExplicitAny: the table holds steps of every type; the builder below typed each of them
type Any = any;

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/** Runs a step. Must be repeatable: after a crash it is run again without knowing how far it got. */
export type Run<Seen, Out extends Json | void> = (context: StepContext, seen: Seen) => Promise<Out>;

/** Is given what was known *before* its step ran, so that it also cleans up a step that did nothing, half, or all. */
export type Undo<Seen> = (context: StepContext, seen: Seen) => Promise<void>;

export type StepKind = 'undoable' | 'harmless' | 'pivot' | 'forward';

export interface Step {
  readonly name: string;
  readonly kind: StepKind;
  readonly run: Run<Any, Any>;
  readonly undo?: Undo<Any>;
}

export interface Saga<Input extends Json = Json> {
  readonly name: string;
  /** Raised when the meaning of a stored log changes. */
  readonly version: number;
  readonly steps: readonly Step[];
  /** Only for its type. */
  readonly input?: Input;
}

interface BeforePivot<Input extends Json, Seen> {
  undoable<N extends string, Out extends Json | void>(
    name: N,
    run: Run<Seen, Out>,
    undo: Undo<Seen>,
  ): BeforePivot<Input, Seen & Readonly<Record<N, Out>>>;
  /** Leaves nothing behind that would have to be undone. */
  harmless<N extends string, Out extends Json | void>(
    name: N,
    run: Run<Seen, Out>,
  ): BeforePivot<Input, Seen & Readonly<Record<N, Out>>>;
  /** One store transaction: either it happened or it did not. */
  pivot<N extends string, Out extends Json | void>(
    name: N,
    run: Run<Seen, Out>,
  ): AfterPivot<Input, Seen & Readonly<Record<N, Out>>>;
}

interface AfterPivot<Input extends Json, Seen> {
  /** Repeated until it succeeds or its node is lost; a failure that cannot be repeated is reported, not undone. */
  forward<N extends string, Out extends Json | void>(
    name: N,
    run: Run<Seen, Out>,
  ): AfterPivot<Input, Seen & Readonly<Record<N, Out>>>;
  end(): Saga<Input>;
}

export function saga<Input extends Json>(name: string, version: number): BeforePivot<Input, { readonly input: Input }> {
  const steps: Step[] = [];
  const add =
    (kind: StepKind) =>
    (stepName: string, run: Run<Any, Any>, undo?: Undo<Any>): Any => {
      steps.push(undo ? { name: stepName, kind, run, undo } : { name: stepName, kind, run });
      return table;
    };
  const table = {
    undoable: add('undoable'),
    harmless: add('harmless'),
    pivot: add('pivot'),
    forward: add('forward'),
    end: () => ({ name, version, steps }),
  };
  return table as Any;
}
