type AtEnd = (act: () => unknown) => void

let register: AtEnd = () => {
  throw new Error("nobody has said when things end: call `endWith` first")
}

/** Says who ends what worlds and programs have started: the test that runs, or a run of `proof/` by itself. */
export const endWith = (how: AtEnd): void => {
  register = how
}

/** Ends something when the test or run is over, whatever comes of it; the last that was started first. */
export const atEnd: AtEnd = (act) => register(act)
