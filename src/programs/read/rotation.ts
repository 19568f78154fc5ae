/** The file that a member writes to, and up to where it counts. Numbers only grow: a file that is full is final. */
export interface FileMark {
  readonly number: number
  readonly bytes: number
}

export const firstFile: FileMark = { number: 0, bytes: 0 }

export const fileEndings = ["csv", "tsv", "log"] as const
export type FileEnding = typeof fileEndings[number]

/** `consumer-thread-0.csv`, then `consumer-thread-0.1.csv` and so on. */
export const fileName = (member: string, number: number, ending: FileEnding): string =>
  number === 0 ? `${member}.${ending}` : `${member}.${number}.${ending}`

const memberFile = /^(consumer-thread-\d+)(?:\.([1-9]\d*))?\.(?:csv|tsv|log)$/

/** Whether the file is one of those that members write. */
export const isMemberFile = (name: string): boolean => memberFile.test(name)

/** Bring one file back to what the marks say of it: `bytes` of it count, undefined: nothing at all. */
export interface Repair {
  readonly name: string
  readonly bytes: number | undefined
}

/**
 * What a process that was killed may have left behind the marks: more in the file of a mark, and files of higher numbers.
 * Files of lower numbers are full and final. A member without a mark has written nothing that counts.
 */
export const repairs = (
  names: ReadonlyArray<string>,
  marks: Readonly<Record<string, FileMark>>
): ReadonlyArray<Repair> =>
  names.flatMap((name): ReadonlyArray<Repair> => {
    const [, member = "", number = "0"] = memberFile.exec(name) ?? []
    if (member === "") return []
    const mark = marks[member] ?? firstFile
    if (Number(number) < mark.number) return []
    return [{ name, bytes: Number(number) === mark.number && mark.bytes > 0 ? mark.bytes : undefined }]
  })
