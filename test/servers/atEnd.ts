import { onTestFinished } from "vitest"
import { endWith } from "../e2e/support/atEnd.js"

endWith((act) => onTestFinished(async () => void await act()))
