/// The error codes of the distribution API.
///
/// - SeeAlso: distribution-spec v1.1.1, "Error Codes"
package enum ErrorCode: String, CaseIterable, Sendable {
    case blobUnknown = "BLOB_UNKNOWN"
    case blobUploadInvalid = "BLOB_UPLOAD_INVALID"
    case blobUploadUnknown = "BLOB_UPLOAD_UNKNOWN"
    case digestInvalid = "DIGEST_INVALID"
    case manifestBlobUnknown = "MANIFEST_BLOB_UNKNOWN"
    case manifestInvalid = "MANIFEST_INVALID"
    case manifestUnknown = "MANIFEST_UNKNOWN"
    case nameInvalid = "NAME_INVALID"
    case nameUnknown = "NAME_UNKNOWN"
    case sizeInvalid = "SIZE_INVALID"
    case unauthorized = "UNAUTHORIZED"
    case denied = "DENIED"
    case unsupported = "UNSUPPORTED"
    case tooManyRequests = "TOOMANYREQUESTS"
    /// Not in the specification's table; what docker-distribution's clients know for a failure of the server.
    case unknown = "UNKNOWN"
    /// A page size that is no number, as docker-distribution answers it.
    case paginationNumberInvalid = "PAGINATION_NUMBER_INVALID"
}
