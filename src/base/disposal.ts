/** What must be undone, last first. Node 20 has no AsyncDisposableStack. */
export class Disposal implements AsyncDisposable {
  #undo: (() => unknown)[] = []

  /** Disposes of `resource` in its turn; returns it. */
  use<T extends AsyncDisposable>(resource: T): T {
    this.#undo.push(() => resource[Symbol.asyncDispose]())
    return resource
  }

  defer(undo: () => unknown): void {
    this.#undo.push(undo)
  }

  /** Undoes everything even if some of it fails; then rejects with the first failure. */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = []
    for (let undo = this.#undo.pop(); undo; undo = this.#undo.pop()) {
      try {
        await undo()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length) throw failures[0]
  }
}
