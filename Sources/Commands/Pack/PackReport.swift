import Glibc
import OCI

/// What `berth pack` says, and to whom.
struct PackReport: Sendable {
    let isQuiet: Bool
    let isJSON: Bool
    /// Nil where nobody sees it.
    let progress: ProgressBar?

    init(isQuiet: Bool, isJSON: Bool) {
        self.isQuiet = isQuiet
        self.isJSON = isJSON
        progress = isQuiet || isJSON ? nil : .onStandardError(environment: SharedOptions.environment)
    }

    /// Prints what the owner of a storage folder says of an image, and where else the image went.
    ///
    /// `descriptor`: standard error where standard output holds the image.
    func print(
        _ reply: String,
        output: PackDestination.Output? = nil,
        pushed: [RemoteImage] = [],
        to descriptor: CInt = STDOUT_FILENO
    ) {
        if isJSON {
            Terminal.write(Self.json(reply, output: output, pushed: pushed) + "\n", to: descriptor)
        } else if isQuiet {
            Terminal.write(reply.firstLine + "\n", to: descriptor)
        } else {
            var lines = reply
            for image in pushed { lines += "pushed    \(image)\n" }
            if let output { lines += "written   \(output.description.printable(limit: .max))\n" }
            Terminal.write(lines, to: descriptor)
        }
    }

    /// The owner's document with further members at its end.
    private static func json(
        _ reply: String,
        output: PackDestination.Output?,
        pushed: [RemoteImage]
    ) -> String {
        var members: [JSONValue.Member] = []
        if !pushed.isEmpty { members.append(.init("pushed", .strings(pushed.map(\.description)))) }
        if let output { members.append(.init("output", .string(output.description))) }
        guard !members.isEmpty, reply.hasSuffix("}") else { return reply }
        let added = String(decoding: JSONValue.object(members).canonicalBytes, as: UTF8.self)
        return reply.dropLast() + "," + added.dropFirst()
    }
}
