/** What a client does again and again with the program that moves: one question a call, its answer checked. */
export interface Talk {
  /** @throws Error when the connection is gone or the answer is wrong */
  ask(): Promise<void>;
  /** After the last question: ends the session, and checks what can only be checked then. @returns a remark for the table */
  end(): Promise<string>;
}
