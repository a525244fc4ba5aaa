/** A question before something is done. One at a time. */

export interface Question {
  title: string;
  detail?: string;
  /** The label of the button that agrees. */
  action: string;
  danger?: boolean;
  /** A text may be given, named so. */
  input?: string;
  /** Texts that are offered for it. */
  choices?: readonly string[];
  /** Nothing is agreed to without a text. */
  needsText?: boolean;
  /** How the same is done elsewhere. */
  commands?: (text: string) => { cli: string; curl: string };
}

export interface Agreed {
  text: string;
}

class Dialogs {
  open = $state.raw<Question | undefined>(undefined);
  #answer: ((agreed: Agreed | undefined) => void) | undefined;

  /** The answer that was agreed to; `undefined`: none. */
  confirm(question: Question): Promise<Agreed | undefined> {
    this.answer(undefined);
    this.open = question;
    return new Promise((resolve) => (this.#answer = resolve));
  }

  answer(agreed: Agreed | undefined): void {
    this.open = undefined;
    this.#answer?.(agreed);
    this.#answer = undefined;
  }
}

export const dialogs = new Dialogs();
