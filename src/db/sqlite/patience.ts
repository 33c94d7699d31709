/** What came in time less often than this is not waited for. */
const mostlyCame = 0.75
/** Of the past, by so many tries. */
const remembered = 16
/** Then one in so many is a try, to see whether it has changed. */
const tryOneIn = 32

/** Whether it is worth keeping a thread until something comes: as long as it mostly came in time. */
export class Patience {
  #came = 1
  #asked = 0

  /** Asked each time. */
  get worth(): boolean {
    return this.#came >= mostlyCame || ++this.#asked % tryOneIn === 0
  }

  learn(came: boolean): void {
    this.#came += ((came ? 1 : 0) - this.#came) / remembered
  }
}
