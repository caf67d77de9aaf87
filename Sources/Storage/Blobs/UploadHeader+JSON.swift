import FoundationEssentials
import OCI

extension UploadHeader {
    /// The header file's content.
    var json: JSONValue {
        .object([
            .init("repository", .string(repository.rawValue)),
            .init("algorithm", .string(algorithm.rawValue)),
            .init("started", .integer(started.milliseconds)),
        ])
    }

    /// Reads a header file; nil for one that was cut short or is something else.
    init?(parsing bytes: [UInt8]) {
        struct Document: Decodable {
            let repository: String
            let algorithm: String
            let started: Int64
        }
        guard let document = try? JSONDecoder().decode(Document.self, from: Data(bytes)),
            let repository = try? RepositoryName(document.repository),
            let algorithm = SupportedAlgorithm(rawValue: document.algorithm)
        else { return nil }
        self.init(
            repository: repository,
            algorithm: algorithm,
            started: Timestamp(milliseconds: document.started)
        )
    }
}
