// Sets the cookie that identifies a visit. See visit.py.

class Visit {
  update(component) {
    const { cookie, token, seconds } = unpack(component.data).header;
    // Strict, so that pages of other sites cannot open a session of this visit.
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `${cookie}=${token}; Path=/; Max-Age=${seconds}; SameSite=Strict${secure}`;
  }

  destroy() {}
}

export default mountOnce(() => new Visit());
