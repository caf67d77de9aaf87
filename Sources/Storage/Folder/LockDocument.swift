import FoundationEssentials

/// What stands in `berth.lock`.
struct LockDocument: Decodable {
    let pid: Int32
    let socket: String
    let role: String?

    /// Nil for a file that is empty or half written.
    init?(parsing bytes: [UInt8]) {
        guard let document = try? JSONDecoder().decode(LockDocument.self, from: Data(bytes)) else {
            return nil
        }
        self = document
    }
}
