/**
 * What the last step of a saga throws when all was done that could be, and its user has to hear what could not. It is of more
 * weight than what was left to be done later.
 */
import { AppError } from '../../domain/errors.ts';

export class FinalWord extends AppError {
  constructor(message: string) {
    super('unsupported', message);
  }
}
