import FoundationEssentials
import Glibc

/// The standard streams of this process.
enum Terminal {
    /// For what was asked for.
    static func print(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

    /// For what was asked for, for programs.
    static func printJSON(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// For what went wrong, and what there is to know besides.
    static func warn(_ text: String) { write("berth: " + text + "\n", to: STDERR_FILENO) }

    /// Writes all of a text.
    ///
    /// A reader that has gone away is no error of ours.
    static func write(_ text: String, to descriptor: CInt) {
        var text = text
        text.withUTF8 { bytes in
            // SAFETY: the bytes are used within the closure alone.
            var rest = UnsafeRawBufferPointer(bytes)[...]
            while !rest.isEmpty {
                let count = Glibc.write(
                    descriptor,
                    UnsafeRawBufferPointer(rebasing: rest).baseAddress,
                    rest.count
                )
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if errno != EINTR {
                    return
                }
            }
        }
    }
}
