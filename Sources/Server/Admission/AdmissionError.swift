import OCI

/// Why a request is not let in now.
enum AdmissionError: Error, Hashable {
    /// So many do the same already, and none has ended for as long as a request waits.
    case busy(Admission.Work, limit: Int)
    /// One client has as many connections as it may have.
    case tooManyConnections(limit: Int)

    /// After how many seconds another attempt may succeed.
    static let retryAfter = 5
}

extension AdmissionError: CustomStringConvertible {
    var description: String {
        switch self {
        case .busy(.upload, let limit):
            "the server receives \(limit.counted("upload")) at once (limits.uploads), and none has ended; try again"
        case .busy(.packaging, let limit):
            "the server makes \(limit.counted("image")) at once (limits.packagings), and none is done; try again"
        case .busy(.expansion, let limit):
            """
            the server takes \(limit.counted("executable")) out of \(limit == 1 ? "its image" : "their images") at once (limits.expansions), and none is done; try \
            again
            """
        case .busy(.document, let limit):
            """
            the server holds \(limit) bytes of manifests and lists at once (limits.documents), and none were taken; try \
            again
            """
        case .tooManyConnections(let limit):
            "one address has at most \(limit.counted("connection")) here (limits.connections); close some, and try again"
        }
    }
}
