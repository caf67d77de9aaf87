import HTTPTypes
import OCI
import Registry
import Storage

/// What every reply about an upload session says of it.
struct UploadFields: Hashable {
    let status: Registry.UploadStatus
    let repository: RepositoryName

    /// `Range` is inclusive, and `0-0` for an empty session too: clients fail on an end before the start.
    var fields: HTTPFields {
        [
            .location: "/v2/\(repository)/blobs/uploads/\(status.id)",
            .range: "0-\(max(0, status.offset - 1))",
            .dockerUploadUUID: status.id.rawValue,
        ]
    }
}
