/// Where the time zones that an image may bring come from.
enum TimeZoneSource: Hashable, Sendable {
    /// The machine that Berth runs on.
    case host
    /// Images bring none.
    case none
    /// The compiled zones below this folder.
    case folder(String)
}
