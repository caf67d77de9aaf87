/// Whether clients may delete what they have pushed.
enum DeletePermission: String, CaseIterable, Sendable {
    case allow
    case deny
}
